import HTTPTestSupport
import ControlAPI
import KubeAPI
import KubeObjects
import Logging
import Relay
import Synchronization
import Testing

@testable import Agents

@Suite(.timeLimit(.minutes(1))) struct AgentLinkTests {
  private static let pod: JSONValue = [
    "metadata": [
      "name": "devtunnel-user-6f9c-x", "uid": "p",
      "ownerReferences": [["kind": "ReplicaSet", "name": "devtunnel-user-6f9c", "uid": "r", "controller": true]],
    ],
    "status": ["containerStatuses": [["name": JSONValue(AgentNames.container), "state": ["running": [:]]]]],
  ]

  @Test("A port-forward that is forbidden is reported at once")
  func forbidden() async throws {
    let cluster = FakeNamespace(
      .init(lists: ["pods": [Self.pod], "replicasets": [FakeNamespace.replicaSet(uid: "r", owner: "d")]]))
    try await withServer { request, connection in
      guard request.path.hasSuffix("/portforward") else { return cluster.answer(request, connection) }
      connection.failure(
        403, "Forbidden", "pods is forbidden: User \"alice\" cannot create resource \"pods/portforward\"")
    } _: { client, _ in
      let identity = AgentIdentity(
        namespace: "testbed", workload: "user", controlPort: 17_717, token: Array(repeating: 7, count: 32), uid: "d")
      let link = await AgentLink(
        client: client, relay: try #require(RelayThread()), identity: identity, transitions: 1,
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

  @Test("An agent that is removed while its Pod is waited for is brought back, long before the wait would end")
  func removedWhileItStarts() async throws {
    let looks = Mutex(0)
    let deployment = FakeNamespace.deployment(uid: "d", service: nil)
    let cluster = FakeNamespace(.init())
    try await withServer { request, connection in
      // It is there at first, and gone the next time.
      if request.path.hasSuffix("/deployments/devtunnel-user"),
        looks.withLock({ looks in
          looks += 1; return looks == 1
        })
      {
        return connection.reply(deployment)
      }
      cluster.answer(request, connection)
    } _: { client, _ in
      let identity = AgentIdentity(
        namespace: "testbed", workload: "user", controlPort: 17_717, token: Array(repeating: 7, count: 32), uid: "d")
      let link = await AgentLink(
        client: client, relay: try #require(RelayThread()), identity: identity, transitions: 1,
        log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
      let (missed, miss) = AsyncStream.makeStream(of: Void.self)
      await link.whenMissing { () async throws(ControlError) in
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
