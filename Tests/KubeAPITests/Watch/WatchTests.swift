import HTTPTestSupport
import KubeAPI
import KubeObjects
import Testing

@Suite(.timeLimit(.minutes(1))) struct WatchTests {
  /// The first events of a watch, as short words: `+a@1`, `~a@2`, `-a@2`, `=9`.
  private func collect(_ count: Int, _ watch: WatchSequence) async throws -> [String] {
    var words: [String] = []
    for try await event in watch {
      switch event {
      case .added(let object): words.append("+\(object.name ?? "")@\(object.resourceVersion ?? "")")
      case .modified(let object): words.append("~\(object.name ?? "")@\(object.resourceVersion ?? "")")
      case .deleted(let object): words.append("-\(object.name ?? "")@\(object.resourceVersion ?? "")")
      case .bookmark(let version): words.append("=\(version)")
      }
      if words.count == count { break }
    }
    return words
  }

  @Test func listsThenWatches() async throws {
    try await withServer { request, connection in
      guard request.query["watch"] != nil else { return connection.reply(podList([pod("a", version: 1)], version: 5)) }
      connection.beginChunks()
      connection.event("ADDED", pod("b", version: 6))
      // An event may come in pieces, and two in one.
      let line = (["type": "MODIFIED", "object": pod("b", version: 7)] as JSONValue).description + "\n"
      connection.chunk(String(line.prefix(20)))
      connection.chunk(
        String(line.dropFirst(20)) + (["type": "DELETED", "object": pod("b", version: 8)] as JSONValue).description
          + "\n")
      _ = connection.waitForClient()
    } _: { client, server in
      let words = try await collect(
        5, client.watch(.pods, namespace: "default", labels: LabelSelector(matchLabels: ["app": "x"])))
      #expect(words == ["+a@1", "=5", "+b@6", "~b@7", "-b@8"])
      let query = server.requests[1].query
      #expect(
        query["resourceVersion"] == "5" && query["allowWatchBookmarks"] == "true" && query["labelSelector"] == "app=x")
    }
  }

  @Test func goesOnFromTheLastVersionAfterACut() async throws {
    try await withServer { request, connection in
      switch request.query["resourceVersion"] {
      case nil: connection.reply(podList([], version: 5))
      case "5":
        connection.beginChunks()
        connection.event("ADDED", pod("a", version: 6))
        connection.event("BOOKMARK", ["kind": "Pod", "metadata": ["resourceVersion": "10"]])
        connection.cut()
      case "10" where request.index == 2: connection.failure(503, "ServiceUnavailable", "restarting")
      case "10":
        connection.beginChunks()
        connection.event("MODIFIED", pod("a", version: 11))
        _ = connection.waitForClient()
      case let other: connection.failure(400, "BadRequest", other ?? "")
      }
    } _: { client, _ in
      let words = try await collect(4, client.watch(.pods, namespace: "default"))
      #expect(words == ["=5", "+a@6", "=10", "~a@11"])
    }
  }

  @Test(arguments: [true, false]) func tellsTheDifferenceAfterTheVersionIsGone(asEvent: Bool) async throws {
    try await withServer { request, connection in
      switch (request.query["watch"], request.query["resourceVersion"]) {
      case (nil, _) where request.index == 0:
        connection.reply(
          podList(
            [
              pod("same", version: 1), pod("gone", version: 2), pod("changed", version: 3), pod("replaced", version: 4),
            ], version: 5))
      case (nil, _):
        connection.reply(
          podList(
            [
              pod("same", version: 1), pod("changed", version: 8), pod("replaced", version: 9, uid: "other"),
              pod("new", version: 10),
            ], version: 20))
      case (_, "5") where asEvent:
        connection.beginChunks()
        connection.event("ERROR", ["kind": "Status", "code": 410, "reason": "Expired", "message": "too old"])
        connection.endChunks()
      case (_, "5"): connection.failure(410, "Expired", "too old")
      default:
        connection.beginChunks()
        connection.event("DELETED", pod("new", version: 21))
        _ = connection.waitForClient()
      }
    } _: { client, _ in
      let words = try await collect(12, client.watch(.pods, namespace: "default"))
      #expect(words.prefix(5) == ["+same@1", "+gone@2", "+changed@3", "+replaced@4", "=5"])
      #expect(Set(words[5..<7]) == ["-gone@2", "-replaced@4"])
      #expect(words[7...] == ["~changed@8", "+replaced@9", "+new@10", "=20", "-new@21"])
    }
  }

  @Test func beginsBehindAListOfTheCaller() async throws {
    try await withServer { request, connection in
      if request.index == 0 { return connection.failure(410, "Expired", "too old") }
      connection.reply(podList([], version: 20))
    } _: { client, server in
      let list = ObjectList(items: [pod("a", version: 1)], resourceVersion: "5")
      let words = try await collect(2, client.watch(.pods, namespace: "default", from: .after(list)))
      #expect(words == ["-a@1", "=20"])
      #expect(server.requests[0].query["resourceVersion"] == "5")
    }
  }

  @Test func endsWithWhatWaitingCannotMend() async throws {
    try await withServer { _, connection in
      connection.failure(403, "Forbidden", "no")
    } _: { client, server in
      let error = await #expect(throws: KubeError.self) {
        _ = try await collect(1, client.watch(.pods, namespace: "default"))
      }
      #expect(error?.isForbidden == true)
      #expect(server.requests.count == 1)
    }
  }

  @Test func givesUpWhenNothingEverWorked() async throws {
    try await withServer { _, connection in
      connection.failure(500, "InternalError", "broken")
    } _: { client, server in
      await #expect(throws: KubeError.self) { _ = try await collect(1, client.watch(.pods, namespace: "default")) }
      #expect(server.requests.count == 5)
    }
  }

  @Test func cancellingEndsTheWatchAndItsConnection() async throws {
    try await withServer { request, connection in
      guard request.query["watch"] != nil else { return connection.reply(podList([], version: 5)) }
      connection.beginChunks()
      _ = connection.waitForClient()
    } _: { client, server in
      let task = Task { try await collect(2, client.watch(.pods, namespace: "default")) }
      while server.requests.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
      try await Task.sleep(for: .milliseconds(50))
      task.cancel()
      let words = try await task.value
      #expect(words == ["=5"])
      while server.openConnections > 0 { try await Task.sleep(for: .milliseconds(5)) }
    }
  }
}
