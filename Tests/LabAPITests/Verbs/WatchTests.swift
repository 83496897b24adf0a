import KubeObjects
import LabStore
import Testing

@testable import LabAPI

@Suite struct WatchTests {
  /// Collects the lines that a client would get.
  private actor Lines: BodyWriter {
    private(set) var all: [JSONValue] = []

    func write(_ bytes: [UInt8]) async throws { all.append(try JSONValue(parsing: bytes)) }

    var types: [String] { all.compactMap { $0["type"]?.stringValue } }
    var names: [String] { all.compactMap { $0[path: "object", "metadata", "name"]?.stringValue } }
  }

  /// Runs a watch beside a test.
  private func watch(
    _ api: APIHarness, labels: String = "", after revision: Int64 = 0, initial: [JSONValue] = [],
    bookmarks: Bool = false,
    timeout: Duration = .seconds(10), _ test: @Sendable @escaping (Lines) async throws -> Void
  ) async throws {
    let lines = Lines()
    let request = APIRequest(head: .init(version: .http1_1, method: .GET, uri: "/"), body: [], user: .anonymous)
    let session = WatchSession(
      representation: Representation(request, .pod), kind: .pod,
      filter: ObjectFilter(
        namespace: "default", labels: try LabelSelector(parsing: labels),
        fields: try FieldSelector(parsing: "", for: .pod)),
      initial: initial, revision: revision, sendsBookmarks: bookmarks, marksEndOfInitial: false, timeout: timeout)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await session.run(api.store, lines) }
      try await test(lines)
      group.cancelAll()
    }
  }

  @Test func objectsEnterAndLeaveASelector() async throws {
    let api = try await APIHarness()
    let revision = await api.store.revision
    try await watch(api, labels: "app=web", after: revision) { (lines: Lines) async throws in
      func label(_ value: JSONValue) async throws {
        try await api.send(
          .PATCH, Sample.pods + "/a", ["metadata": ["labels": ["app": value]]], type: "application/merge-patch+json")
      }
      try await api.send(.POST, Sample.pods, Sample.pod("a", labels: ["app": "other"]))
      try await label("web")
      try await api.send(
        .PATCH, Sample.pods + "/a", ["metadata": ["labels": ["x": "y"]]], type: "application/merge-patch+json")
      try await label("other")
      try await label("web")
      try await api.send(.DELETE, Sample.pods + "/a")
      #expect(try await eventually { await lines.types == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"] })
    }
  }

  @Test func anExpiredRevisionIsSaid() async throws {
    let api = try await APIHarness(historyCapacity: 4)
    let key = ObjectKey(.namespaces, namespace: "", name: "default")
    for number in 0..<20 { _ = try await api.store.update(key) { $0["x"] = JSONValue(number) } }
    try await watch(api, after: 2) { (lines: Lines) async throws in
      #expect(try await eventually { await lines.types == ["ERROR"] })
      #expect(await lines.all.first?[path: "object", "code"] == 410)
    }
  }

  @Test func aWatchEndsInTime() async throws {
    let api = try await APIHarness()
    let revision = await api.store.revision
    try await watch(api, after: revision, bookmarks: true, timeout: .milliseconds(50)) { (lines: Lines) async throws in
      #expect(try await eventually { await lines.types == ["BOOKMARK"] })
    }
    #expect(try await eventually { await api.store.watcherCount == 0 })
  }
}
