import HTTPTestSupport
import KubeObjects
import Testing

@testable import KubeAPI

/// A watch keeps the objects that it has reported, within a budget.
@Suite(.timeLimit(.minutes(1))) struct WatchedObjectsTests {
  private static var limits: ReadLimits {
    var limits = ReadLimits()
    limits.watchedObjects = 3
    limits.watchedSize = 1 << 20
    return limits
  }

  private static func large(_ name: String, bytes: Int) -> JSONValue {
    var object = pod(name, version: 1)
    object["data"] = .string(String(repeating: "x", count: bytes))
    return object
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var events: [WatchEvent]
    var excess: String?
  }

  static let rows = [
    Row(testDescription: "nothing", events: [], excess: nil),
    Row(
      testDescription: "as many as may be", events: ["a", "b", "c"].map { .added(pod($0, version: 1)) }, excess: nil),
    Row(
      testDescription: "one more", events: ["a", "b", "c", "d"].map { .added(pod($0, version: 1)) },
      excess: "more than 3 objects"),
    Row(
      testDescription: "one more, called modified",
      events: ["a", "b", "c", "d"].map { .modified(pod($0, version: 1)) },
      excess: "more than 3 objects"),
    Row(
      testDescription: "one again and again", events: (1...100).map { .modified(pod("a", version: $0)) }, excess: nil),
    Row(
      testDescription: "others in the place of deleted ones",
      events: (1...100).flatMap {
        [WatchEvent.added(large("p\($0)", bytes: 400_000)), .deleted(large("p\($0)", bytes: 1))]
      }, excess: nil),
    Row(
      testDescription: "few, and large",
      events: ["a", "b", "c"].map { .added(large($0, bytes: 400_000)) }, excess: "objects of more than 1 MiB"),
    Row(
      testDescription: "one that grows",
      events: [1, 100_000, 2_000_000].map { .modified(large("a", bytes: $0)) }, excess: "objects of more than 1 MiB"),
    Row(
      testDescription: "one that shrinks", events: [2_000_000, 1].map { .modified(large("a", bytes: $0)) },
      excess: nil),
    Row(
      testDescription: "many small values",
      events: [.added(["metadata": ["name": "a"], "x": .array(Array(repeating: 0, count: 40_000))])],
      excess: "objects of more than 1 MiB"),
  ]

  @Test("A watch keeps objects up to its limits", arguments: rows)
  func excess(row: Row) {
    var objects = WatchedObjects()
    for event in row.events { objects.note(event) }
    #expect(objects.excess(over: Self.limits) == row.excess)
  }

  @Test("A new list counts from nothing")
  func list() {
    var objects = WatchedObjects([Self.large("a", bytes: 900_000)])
    let before = objects.size
    _ = objects.replace(with: [Self.large("b", bytes: 900_000)])
    #expect(objects.size == before && objects.excess(over: Self.limits) == nil)
    _ = objects.replace(with: [])
    #expect(objects.size == 0)
  }

  @Test("A server that sends objects without end ends the watch with an error that says so", arguments: [true, false])
  func endless(inList: Bool) async throws {
    try await withServer { request, connection in
      guard request.query["watch"] != nil else {
        let pods = inList ? (0..<10).map { pod("p\($0)", version: 1) } : []
        return connection.reply(podList(pods, version: 5))
      }
      connection.beginChunks()
      var count = 0
      while count < 1_000,
        connection.chunk(
          (["type": "ADDED", "object": pod("p\(count)", version: 6)] as JSONValue).description + "\n")
      {
        count += 1
      }
      _ = connection.waitForClient()
    } _: { client, server in
      var client = client
      client.limits.watchedObjects = 5
      let error = await #expect(throws: KubeError.self) {
        for try await _ in client.watch(.pods, namespace: "default") {}
      }
      #expect(
        error?.description.contains("a watch of pods has more than 5 objects, more than devtunnel keeps") == true,
        "\(String(describing: error))")
      #expect(server.requests.count == (inList ? 1 : 2), "it is not tried again")
    }
  }
}
