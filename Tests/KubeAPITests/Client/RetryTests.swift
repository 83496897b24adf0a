import Glibc
import HTTPTestSupport
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

  /// A number that no clock holds, an hour, and what says no number of seconds.
  @Test(arguments: [
    ("9223372036854775807", 1, "no request for 31536000 s"), ("3600", 1, "no request for 3600 s"),
    ("99999999999999999999999", 1, "31536000 s"),
    ("-9223372036854775808", 5, "slower"), ("Wed, 21 Oct 2099 07:28:00 GMT", 5, "slower"), ("", 5, "slower"),
  ]) func aServerThatAsksForTooMuchIsNotWaitedFor(header: String, requests: Int, words: String) async throws {
    try await withServer { _, connection in
      connection.failure(429, "TooManyRequests", "slower", headers: ["Retry-After": header])
    } _: { client, server in
      let error = await #expect(throws: KubeError.self) { try await client.get(.pods, "a") }
      #expect(error?.statusCode == 429 && error?.description.contains(words) == true, "\(error as Any)")
      #expect(server.requests.count == requests)
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
      // The server asks for 30.
      #expect(ContinuousClock.now - start < .seconds(25))
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

  @Test func aServerThatDoesNotTakeConnectionsIsNotReached() async throws {
    // A queue that is full: what comes after is dropped, as by a firewall.
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    var waiting: [Int32] = []
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        #expect(
          bind(listener, generic, length) == 0 && listen(listener, 0) == 0
            && getsockname(listener, generic, &length) == 0)
        for _ in 0..<4 {
          waiting.append(socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0))
          _ = connect(waiting.last!, generic, length)
        }
      }
    }
    defer { for fd in waiting + [listener] { close(fd) } }
    let access = ClusterAccess(server: ServerURL("http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))")!)
    let error = await #expect(throws: KubeError.self) {
      try await KubeClient(access).within(.milliseconds(300)).get(.pods, "a")
    }
    #expect("\(error as Any)".contains("cannot reach the API server"), "\(error as Any)")
  }

  @Test func nobodyListens() async throws {
    let server = HTTPTestServer { _, _ in }
    server.stop()
    let client = KubeClient(
      ClusterAccess(server: ServerURL("http://127.0.0.1:\(server.port)")!),
      retry: RetryPolicy(attempts: 2, delay: .milliseconds(1)))
    let error = await #expect(throws: KubeError.self) { try await client.create(pod("a", version: 1), as: .pods) }
    guard case .unreachable(let url, _) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(url == "http://127.0.0.1:\(server.port)")
  }
}
