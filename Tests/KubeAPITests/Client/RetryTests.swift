import KubeAPI
import KubeObjects
import Testing

@Suite(.timeLimit(.minutes(1))) struct RetryTests {
  @Test func getIsRepeatedUntilItWorks() async throws {
    try await withServer { request, connection in
      switch request.index {
      case 0: connection.failure(503, "ServiceUnavailable", "not yet")
      case 1: connection.cut()
      case 2: connection.failure(429, "TooManyRequests", "slower", headers: ["Retry-After": "0"])
      default: connection.reply(pod("a", version: 1))
      }
    } _: { client, server in
      let found = try await client.get(.pods, "a")
      #expect(found.name == "a")
      #expect(server.requests.count == 4)
      #expect(server.requests.allSatisfy { $0.path == "/api/v1/namespaces/default/pods/a" })
    }
  }

  @Test func givesUpAfterItsAttempts() async throws {
    try await withServer { _, connection in
      connection.failure(500, "InternalError", "broken")
    } _: { client, server in
      let error = await #expect(throws: KubeError.self) { try await client.get(.pods, "a") }
      #expect(error == .status(code: 500, reason: "InternalError", message: "broken", details: nil))
      #expect(server.requests.count == 5)
    }
  }

  @Test func waitsAsLongAsTheServerAsks() async throws {
    try await withServer { request, connection in
      if request.index == 0 {
        connection.failure(429, "TooManyRequests", "slower", headers: ["Retry-After": "1"])
      } else {
        connection.reply(pod("a", version: 1))
      }
    } _: { client, _ in
      let start = ContinuousClock.now
      _ = try await client.get(.pods, "a")
      #expect(ContinuousClock.now - start >= .seconds(1))
    }
  }

  @Test func createIsNotRepeatedBlindly() async throws {
    try await withServer { _, connection in
      connection.failure(500, "InternalError", "broken")
    } _: { client, server in
      await #expect(throws: KubeError.self) { try await client.create(pod("a", version: 1), as: .pods) }
      #expect(server.requests.count == 1)
    }
  }

  @Test func createIsRepeatedWhenTheServerRefusedItUnread() async throws {
    try await withServer { request, connection in
      if request.index == 0 {
        connection.failure(429, "TooManyRequests", "slower")
      } else {
        connection.reply(201, request.json ?? .null)
      }
    } _: { client, server in
      let made = try await client.create(pod("a", version: 1), as: .pods)
      #expect(made.name == "a")
      #expect(server.requests.count == 2)
    }
  }

  @Test func aDeadlineEndsTheTrying() async throws {
    try await withServer { _, connection in
      connection.failure(503, "ServiceUnavailable", "never", headers: ["Retry-After": "30"])
    } _: { client, _ in
      let start = ContinuousClock.now
      await #expect(throws: KubeError.self) { try await client.within(.seconds(2)).get(.pods, "a") }
      #expect(ContinuousClock.now - start < .seconds(2))
    }
  }

  @Test func aSilentServerTimesOut() async throws {
    try await withServer { _, connection in
      _ = connection.waitForClient()
    } _: { client, _ in
      let error = await #expect(throws: KubeError.self) { try await client.within(.milliseconds(300)).get(.pods, "a") }
      guard case .timedOut = error else {
        Issue.record("\(error as Any)")
        return
      }
    }
  }

  @Test func nobodyListens() async throws {
    let server = TestServer { _, _ in }
    server.stop()
    let client = KubeClient(
      ClusterAccess(server: ServerURL("http://127.0.0.1:\(server.port)")!), retry: RetryPolicy(attempts: 2, delay: .milliseconds(1)))
    let error = await #expect(throws: KubeError.self) { try await client.create(pod("a", version: 1), as: .pods) }
    guard case .unreachable(let url, _) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(url == "http://127.0.0.1:\(server.port)")
  }
}
