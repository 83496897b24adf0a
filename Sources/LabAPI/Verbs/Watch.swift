import KubeObjects
import LabStore

extension APIServer {
  /// Streams changes until `timeoutSeconds` are over or the client leaves.
  ///
  /// Without a `resourceVersion`, or with 0, what exists comes first, as it does with `sendInitialEvents` (which also
  /// gets its closing bookmark).
  func watch(_ request: APIRequest, _ namespace: String?, _ kind: ResourceKind) async throws -> APIResponse {
    let filter = try filter(request, namespace, kind)
    let version = request.query["resourceVersion"] ?? ""
    guard version.isEmpty || Int64(version) != nil else {
      throw StatusError.badRequest("invalid resource version \"\(version)\"")
    }
    let start = Int64(version) ?? 0
    let asksForInitial = request.query.flag("sendInitialEvents")
    let refusesInitial = request.query["sendInitialEvents"] == "false"
    var initial: [JSONValue] = []
    var revision = start
    if asksForInitial || (start == 0 && !refusesInitial) {
      let found = await store.list(kind.resource, namespace: namespace)
      initial = found.items.filter(filter.matches)
      revision = found.revision
    }
    let session = WatchSession(
      representation: Representation(request, kind), kind: kind, filter: filter, initial: initial, revision: revision,
      sendsBookmarks: request.query.flag("allowWatchBookmarks"), marksEndOfInitial: asksForInitial,
      timeout: .seconds(request.query.number("timeoutSeconds").map(JSONValue.count) ?? Int.random(in: 1800...3600)))
    let store = store
    return APIResponse(200, contentType: "application/json", body: .stream { try await session.run(store, $0) })
  }
}

/// One client's watch: the store's events, narrowed to what it asked for, as lines of JSON.
struct WatchSession: Sendable {
  private enum Step: Sendable {
    case event(WatchEvent)
    case bookmark, timeout
  }

  /// Kubernetes sends a bookmark about once a minute.
  private static let bookmarkInterval = Duration.seconds(60)

  let representation: Representation
  let kind: ResourceKind
  let filter: ObjectFilter
  let initial: [JSONValue]
  let revision: Int64
  let sendsBookmarks: Bool
  let marksEndOfInitial: Bool
  let timeout: Duration

  func run(_ store: any ObjectStoring, _ writer: any BodyWriter) async throws {
    let events: AsyncStream<WatchEvent>
    do {
      events = try await store.watch(kind.resource, after: revision)
    } catch StoreError.expired {
      return try await writer.write(Self.line("ERROR", StatusError.expired.object))
    }
    for object in initial { try await writer.write(line("ADDED", object)) }
    if marksEndOfInitial { try await writer.write(bookmark(revision, endsInitial: true)) }
    let (steps, continuation) = AsyncStream.makeStream(of: Step.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for await event in events { continuation.yield(.event(event)) }
        continuation.yield(.timeout)
      }
      group.addTask {
        try await Task.sleep(for: timeout)
        continuation.yield(.timeout)
      }
      if sendsBookmarks {
        group.addTask {
          while true {
            try await Task.sleep(for: Self.bookmarkInterval)
            continuation.yield(.bookmark)
          }
        }
      }
      try await write(steps, writer)
      group.cancelAll()
    }
  }

  private func write(_ steps: AsyncStream<Step>, _ writer: any BodyWriter) async throws {
    var seen = revision
    for await step in steps {
      switch step {
      case .event(let event):
        seen = event.revision
        if let bytes = line(for: event) { try await writer.write(bytes) }
      case .bookmark: try await writer.write(bookmark(seen))
      case .timeout:
        if sendsBookmarks { try await writer.write(bookmark(seen)) }
        return
      }
    }
  }

  /// An object that comes to match the selectors is new to this client, and one that ceases to match is gone.
  private func line(for event: WatchEvent) -> [UInt8]? {
    let isIn = event.kind != .deleted && filter.matches(event.object)
    let wasIn = event.previous.map(filter.matches) ?? false
    switch (wasIn, isIn) {
    case (false, true): return line("ADDED", event.object)
    case (true, true): return line("MODIFIED", event.object)
    case (true, false): return line("DELETED", event.object)
    case (false, false): return nil
    }
  }

  private func line(_ type: String, _ object: JSONValue) -> [UInt8] { Self.line(type, representation.one(object)) }

  private static func line(_ type: String, _ object: JSONValue) -> [UInt8] {
    let event: JSONValue = ["type": .string(type), "object": object]
    return event.serialized() + [UInt8(ascii: "\n")]
  }

  private func bookmark(_ revision: Int64, endsInitial: Bool = false) -> [UInt8] {
    var object: JSONValue = [
      "kind": .string(kind.kind), "apiVersion": .string(kind.apiVersion),
      "metadata": ["resourceVersion": .string(String(revision)), "creationTimestamp": nil],
    ]
    if endsInitial { object[path: "metadata", "annotations"] = ["k8s.io/initial-events-end": "true"] }
    return line("BOOKMARK", object)
  }
}
