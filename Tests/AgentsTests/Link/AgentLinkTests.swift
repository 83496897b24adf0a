import ControlAPI
import Foundation
import HTTPTestSupport
import KubeObjects
import Logging
import Relay
import Synchronization
import Testing

@testable import Agents
@testable import KubeAPI

@Suite(.timeLimit(.minutes(1))) struct AgentLinkTests {
  @Test("A port-forward that is forbidden is reported at once")
  func forbidden() async throws {
    let cluster = FakeNamespace(
      .init(lists: ["pods": [FakeNamespace.pod()], "replicasets": [FakeNamespace.replicaSet(uid: "r", owner: "d")]]))
    try await withServer { request, connection in
      guard request.path.hasSuffix("/portforward") else { return cluster.answer(request, connection) }
      connection.failure(
        403, "Forbidden", "pods is forbidden: User \"alice\" cannot create resource \"pods/portforward\"")
    } _: { client, _ in
      let identity = FakeNamespace.identity(uid: "d")
      let link = await AgentLink(
        client: client, relay: try #require(RelayThread()), identity: identity,
        log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
      // The suite's time limit is far shorter than this one.
      let refusal = await #expect(throws: ControlError.self) { try await link.connected(within: .seconds(3600)) }
      #expect(refusal?.code == .forbidden)
      #expect(refusal?.message.contains("pods/portforward") == true)
      #expect(refusal?.message.contains("exec") == false)
      #expect(refusal?.remedy?.contains("devtunnel doctor") == true)
      await link.stop()
    }
  }

  @Test(
    "A Pod that takes the name of the agent's while the port-forward opens hears no token", arguments: [true, false])
  func replacedUnderItsName(isReplaced: Bool) async throws {
    let cluster = FakeNamespace(
      .init(lists: [
        "pods": [FakeNamespace.pod()], "replicasets": [FakeNamespace.replicaSet(uid: "r", owner: "d")],
      ]))
    let (looks, look) = AsyncStream.makeStream(of: Void.self)
    let (heard, hear) = AsyncStream.makeStream(of: Void.self)
    try await withServer { request, connection in
      if request.path.hasSuffix("/portforward") {
        let key = request.headers["sec-websocket-key"] ?? ""
        let accept = Data(sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString()
        connection.write(
          "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n"
            + "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n")
        // The hello is the first that a client says on a v4 channel.
        if connection.hears() { hear.yield() }
        return connection.cut()
      }
      guard request.method == "GET", request.path.hasSuffix("/pods/devtunnel-user-6f9c-x") else {
        return cluster.answer(request, connection)
      }
      connection.reply(FakeNamespace.pod(uid: isReplaced ? "other" : "p"))
      look.yield()
    } _: { client, _ in
      let link = await AgentLink(
        client: client, relay: try #require(RelayThread()), identity: FakeNamespace.identity(uid: "d"),
        protocols: .v4, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
      await link.start()
      // A hello comes at once or never: two more looks are after it.
      var (looked, said) = (looks.makeAsyncIterator(), heard.makeAsyncIterator())
      if isReplaced {
        for _ in 0..<3 { _ = await looked.next() }
        #expect(await link.lastProblem?.contains("was replaced while the tunnel to it was opened") == true)
      } else {
        _ = await said.next()
      }
      hear.finish()
      if isReplaced { #expect(await said.next() == nil) }
      await link.stop()
    }
  }

  @Test(
    "Before each further session the agent is looked at, although its Deployment exists: someone may have changed it")
  func looksAgain() async throws {
    let cluster = FakeNamespace(
      .init(lists: [
        "deployments": [FakeNamespace.deployment(uid: "d", service: nil)], "pods": [FakeNamespace.pod()],
        "replicasets": [FakeNamespace.replicaSet(uid: "r", owner: "d")],
      ]))
    try await withServer { request, connection in
      guard request.path.hasSuffix("/portforward") else { return cluster.answer(request, connection) }
      connection.failure(500, "InternalError", "the Pod is gone")
    } _: { client, _ in
      let link = await AgentLink(
        client: client, relay: try #require(RelayThread()), identity: FakeNamespace.identity(uid: "d"),
        log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
      let (looks, look) = AsyncStream.makeStream(of: Void.self)
      await link.whenReconnecting { () async throws(ControlError) in
        look.yield()
        return FakeNamespace.identity(uid: "d2")
      }
      await link.start()
      _ = await looks.first { _ in true }
      while await link.lastProblem?.contains("someone removed or changed the agent") != true {
        try await Task.sleep(for: .milliseconds(5))
      }
      await link.stop()
    }
  }

  @Test("An agent that is removed while its Pod is waited for is brought back, long before the wait would end")
  func removedWhileItStarts() async throws {
    let looks = Mutex(0)
    let deployment = FakeNamespace.deployment(uid: "d", service: nil)
    let cluster = FakeNamespace(.init())
    try await withServer { request, connection in
      // It is there at first, and gone the next time.
      if request.path.hasSuffix("/deployments/devtunnel-user"),
        looks.withLock({ looks in
          looks += 1
          return looks == 1
        })
      {
        return connection.reply(deployment)
      }
      cluster.answer(request, connection)
    } _: { client, _ in
      let identity = FakeNamespace.identity(uid: "d")
      let link = await AgentLink(
        client: client, relay: try #require(RelayThread()), identity: identity,
        log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
      let (missed, miss) = AsyncStream.makeStream(of: Void.self)
      await link.whenReconnecting { () async throws(ControlError) in
        miss.yield()
        return identity
      }
      let start = ContinuousClock.now
      await link.start()
      _ = await missed.first { _ in true }
      #expect(.now - start < .seconds(20))
      await link.stop()
    }
  }
}
