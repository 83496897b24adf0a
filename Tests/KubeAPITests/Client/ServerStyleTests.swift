import Dispatch
import Foundation
import HTTPTestSupport
import KubeAPI
import KubeObjects
import Synchronization
import Testing

/// The ways in which servers, and the proxies before them, treat connections over HTTP/1.1.
enum ServerStyle: String, CaseIterable, Sendable {
  case keepsConnections
  /// Says so, and closes.
  case closesConnections
  /// The end of the connection is the end of the body (RFC 9112, section 6.3).
  case endsBodiesByClosing
  /// The head of a watch is sent with its first event.
  case holdsBackHeads

  func reply(_ json: JSONValue, on connection: HTTPTestServer.Connection) {
    switch self {
    case .keepsConnections: connection.reply(json)
    case .closesConnections, .holdsBackHeads:
      connection.reply(200, json, headers: ["Connection": "close"])
      connection.cut()
    case .endsBodiesByClosing:
      connection.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
      connection.write(json.serialized())
      connection.cut()
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct ServerStyleTests {
  /// A watch is a request that does not end; none may wait for it, and it may wait for none.
  @Test(arguments: ServerStyle.allCases, ["", "/k8s/clusters/c-m-1"]) func requestsGoOnBesideAWatch(
    style: ServerStyle, prefix: String
  ) async throws {
    let othersAreDone = DispatchSemaphore(value: 0)
    let server = HTTPTestServer { request, connection in
      guard request.path.hasPrefix(prefix + "/api/v1/") else {
        return connection.failure(404, "NotFound", "outside of the prefix: \(request.path)")
      }
      if request.query["watch"] != nil {
        if style != .holdsBackHeads { connection.beginChunks() }
        othersAreDone.wait()
        if style == .holdsBackHeads { connection.beginChunks() }
        connection.event("ADDED", pod("new", version: 2))
        _ = connection.waitForClient()
      } else if request.path.hasSuffix("/pods"), request.method == "GET" {
        style.reply(podList([pod("old", version: 1)], version: 1), on: connection)
      } else {
        style.reply(pod(String(request.path.split(separator: "/").last!), version: 1), on: connection)
      }
    }
    defer { server.stop() }
    let access = ClusterAccess(server: try #require(ServerURL("http://127.0.0.1:\(server.port)\(prefix)")))
    let client = KubeClient(access, retry: RetryPolicy(attempts: 1))
    let (events, seen) = AsyncStream.makeStream(of: WatchEvent.self)
    let watching = Task { for try await event in client.watch(.pods, namespace: "default") { seen.yield(event) } }
    defer { watching.cancel() }
    while !server.requests.contains(where: { $0.query["watch"] != nil }) { try await Task.sleep(for: .milliseconds(2)) }

    #expect(try await client.get(.pods, "a").name == "a")
    #expect(try await client.list(.pods, namespace: "default").items.count == 1)
    try await client.create(pod("b", version: 1), as: .pods)
    try await client.update(pod("b", version: 1), as: .pods)
    try await client.patch(.pods, "b", type: .merge, ["metadata": ["labels": ["a": "b"]]])
    try await client.delete(.pods, "b")
    #expect(try await !client.log(pod: "b").collect(limit: 1 << 20).isEmpty)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<20 {
        group.addTask {
          let name = try await client.get(.pods, "p\(index)").name
          #expect(name == "p\(index)")
        }
      }
      try await group.waitForAll()
    }

    othersAreDone.signal()
    for await event in events where event.object?.name == "new" { break }
    #expect(server.requests.allSatisfy { $0.path.hasPrefix(prefix + "/api/v1/") })
  }

  /// A second watch does not wait for the first either.
  @Test(arguments: ServerStyle.allCases) func watchesRunBesideEachOther(style: ServerStyle) async throws {
    let end = DispatchSemaphore(value: 0)
    try await withServer { request, connection in
      guard request.query["watch"] != nil else { return style.reply(podList([], version: 1), on: connection) }
      if style != .holdsBackHeads { connection.beginChunks() }
      end.wait()
      end.signal()
    } _: { client, server in
      let watching = (0..<5).map { _ in Task { for try await _ in client.watch(.pods, namespace: nil) {} } }
      defer {
        watching.forEach { $0.cancel() }
        end.signal()
      }
      while server.requests.count(where: { $0.query["watch"] != nil }) < 5 {
        try await Task.sleep(for: .milliseconds(2))
      }
      let meanwhile = try await client.within(.seconds(5)).list(.pods, namespace: nil)
      #expect(meanwhile.items.isEmpty)
    }
  }
}
