import CLinux
import Dispatch
import HTTPTestSupport
import KubeObjects
import Synchronization
import TestSupport
import Testing

@testable import KubeAPI

@Suite(.timeLimit(.minutes(1))) struct TransferTests {
  @Test func aBodyComesAsItIsWritten() async throws {
    let isRead = DispatchSemaphore(value: 0)
    try await withServer { _, connection in
      connection.beginChunks()
      connection.chunk("first")
      isRead.wait()
      connection.chunk("second")
      connection.endChunks()
    } _: { client, _ in
      let body = try await client.log(pod: "a", follow: true)
      let first = try await body.next()
      #expect(first == Array("first".utf8))
      isRead.signal()
      let second = try await body.next()
      #expect(second == Array("second".utf8))
      let end = try await body.next()
      #expect(end == nil)
    }
  }

  /// A reader that stops makes the server stop, and loses nothing.
  @Test func aSlowReaderHoldsTheServerBack() async throws {
    let written = Mutex(0)
    let total = 64 << 20
    try await withServer { _, connection in
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
      let piece = [UInt8]((0..<65536).map { UInt8(truncatingIfNeeded: $0 / 251) })
      for _ in 0..<(total / piece.count) {
        guard connection.write(piece) else { return }
        written.withLock { $0 += piece.count }
      }
    } _: { client, _ in
      let body = try await client.log(pod: "a")
      _ = try await body.next()
      try await Task.sleep(for: .milliseconds(500))
      // The transfer's buffer and both ends' sockets.
      #expect(written.withLock { $0 } < 24 << 20)
      var count = 0
      while let bytes = try await body.next() {
        count += bytes.count
        #expect(bytes.count <= 2 << 20)
      }
      #expect(count > total - (2 << 20) && count < total)
    }
  }

  @Test func cancellingEndsARequest() async throws {
    try await withServer { _, connection in
      _ = connection.waitForClient()
    } _: { client, server in
      let task = Task { try await client.get(.pods, "a") }
      while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      task.cancel()
      let start = ContinuousClock.now
      let error = await #expect(throws: KubeError.self) { try await task.value }
      #expect(error == .cancelled)
      while server.openConnections > 0 { try await Task.sleep(for: .milliseconds(5)) }
      #expect(ContinuousClock.now - start < .seconds(20))
    }
  }

  @Test("A change that is under way when its task is cancelled has its outcome, unless that takes too long")
  func cancellingAChange() async throws {
    let goesOn = DispatchSemaphore(value: 0)
    try await withServer { request, connection in
      if request.method == "DELETE" {
        _ = connection.waitForClient()
        return
      }
      goesOn.wait()
      connection.reply(201, pod("a", version: 1))
    } _: { client, server in
      let task = Task { try await client.create(pod("a", version: 1), as: .pods) }
      while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      task.cancel()
      goesOn.signal()
      #expect(try await task.value.name == "a")

      var hurried = client
      hurried.outcomeTime = .milliseconds(50)
      let other = Task { [hurried] in try await hurried.delete(.pods, "a") }
      while server.requests.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
      other.cancel()
      let error = await #expect(throws: KubeError.self) { try await other.value }
      #expect(error == .cancelled)
    }
  }

  @Test func aTaskThatIsCancelledAlreadySendsNothing() async throws {
    try await withServer { _, connection in
      connection.reply(pod("a", version: 1))
    } _: { client, server in
      for _ in 0..<50 {
        let task = Task {
          while !Task.isCancelled { await Task.yield() }
          return try await client.get(.pods, "a")
        }
        task.cancel()
        let error = await #expect(throws: KubeError.self) { try await task.value }
        #expect(error == .cancelled)
      }
      #expect(server.requests.isEmpty)
    }
  }

  @Test func manyAtOnceShareTheThread() async throws {
    try await withServer { request, connection in
      connection.reply(pod(String(request.path.split(separator: "/").last!), version: 1))
    } _: { client, _ in
      let names = try await withThrowingTaskGroup(of: String.self) { group in
        for index in 0..<200 { group.addTask { try await client.get(.pods, "p\(index)").name ?? "" } }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(names == Set((0..<200).map { "p\($0)" }))
    }
  }

  /// Of the tests' own server: were one that has ended still to take connections, other tests would get its answers.
  @Test func aStoppedServerAnswersForNoOther() async throws {
    for _ in 0..<100 {
      try await withServer { _, connection in
        connection.reply(pod("old", version: 1))
      } _: { _, server in
        // It is stopped as soon as a connection has come, which is when its thread goes back to accept(2).
        var address = loopback(UInt16(server.port))
        clinux_close(clinux_tcp_connect(&address))
      }
      try await withServer { _, connection in
        connection.reply(200, pod("new", version: 1), headers: ["Connection": "close"])
        connection.cut()
      } _: { client, _ in
        for _ in 0..<4 {
          let name = try await client.get(.pods, "a").name
          #expect(name == "new")
        }
      }
    }
  }

  @Test func aTruncatedBodyIsAnError() async throws {
    try await withServer { _, connection in
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
      connection.cut()
    } _: { client, _ in
      let error = await #expect(throws: KubeError.self) { try await client.get(.pods, "a") }
      guard case .connectionLost = error else {
        Issue.record("\(error as Any)")
        return
      }
    }
  }

  @Test func somethingElseThanAnAPIServer() async throws {
    try await withServer { _, connection in
      connection.reply(200, body: Array("<html>".utf8))
    } _: { client, _ in
      let error = await #expect(throws: KubeError.self) { try await client.get(.pods, "a") }
      guard case .badResponse = error else {
        Issue.record("\(error as Any)")
        return
      }
    }
  }
}
