import KubeObjects
import LabStore
import Testing

@Suite struct ObjectStoreTests {
  private let store = ObjectStore(historyCapacity: 8)
  private let key = ObjectKey(.configMaps, namespace: "default", name: "a")

  private func make(_ name: String = "a", finalizers: JSONValue = []) async throws -> JSONValue {
    try await store.create(
      .configMaps,
      ["metadata": ["name": .string(name), "namespace": "default", "finalizers": finalizers], "spec": ["x": 1]])
  }

  @Test func createFillsInWhatTheSystemOwns() async throws {
    let object = try await make()
    #expect(object[path: "metadata", "generation"] == 1)
    #expect(object[path: "metadata", "uid"]?.stringValue?.count == 36)
    #expect(object[path: "metadata", "resourceVersion"]?.stringValue == "2")
    await #expect(throws: StoreError.alreadyExists(key)) { try await make() }
  }

  @Test func generatedNamesDiffer() async throws {
    let object: JSONValue = ["metadata": ["generateName": "pod-"]]
    let first = try await store.create(.pods, object)
    let second = try await store.create(.pods, object)
    #expect(first[path: "metadata", "name"]?.stringValue?.hasPrefix("pod-") == true)
    #expect(first[path: "metadata", "name"] != second[path: "metadata", "name"])
    await #expect(throws: StoreError.nameless(.pods)) { try await store.create(.pods, [:]) }
  }

  @Test func onlySpecBumpsTheGeneration() async throws {
    _ = try await make()
    let labelled = try await store.update(key) { $0[path: "metadata", "labels", "a"] = "b" }
    #expect(labelled[path: "metadata", "generation"] == 1)
    let changed = try await store.update(key) { $0[path: "spec", "x"] = 2 }
    #expect(changed[path: "metadata", "generation"] == 2)
    let same = try await store.update(key) { $0[path: "spec", "x"] = 2 }
    #expect(same == changed)
  }

  @Test func aDeletedObjectIsGone() async throws {
    _ = try await make()
    _ = try await store.delete(key, grace: nil)
    await #expect(throws: StoreError.notFound(key)) { try await store.get(key) }
    #expect(await store.list(.configMaps, namespace: nil).items.isEmpty)
  }

  @Test func preconditionsGuardADeletion() async throws {
    _ = try await make()
    await #expect(throws: StoreError.conflict(key)) {
      try await store.delete(key, grace: nil, preconditions: DeletePreconditions(uid: "another"))
    }
    _ = try await store.get(key)
  }

  @Test func finalizersKeepAnObjectUntilTheLastIsGone() async throws {
    _ = try await make(finalizers: ["x", "y"])
    let marked = try await store.delete(key, grace: nil)
    #expect(marked[path: "metadata", "deletionTimestamp"] != nil)
    _ = try await store.update(key) { $0[path: "metadata", "finalizers"] = ["y"] }
    _ = try await store.get(key)
    _ = try await store.update(key) { $0[path: "metadata", "finalizers"] = [] }
    await #expect(throws: StoreError.notFound(key)) { try await store.get(key) }
  }

  @Test func graceMarksOnceAndIsShortenedOnly() async throws {
    _ = try await make()
    func grace(_ seconds: Int) async throws -> Int? {
      try await store.delete(key, grace: seconds)[path: "metadata", "deletionGracePeriodSeconds"]?.intValue
    }
    #expect(try await grace(30) == 30)
    #expect(try await grace(60) == 30)
    #expect(try await grace(5) == 5)
    _ = try await store.delete(key, grace: nil)
    await #expect(throws: StoreError.notFound(key)) { try await store.get(key) }
  }

  @Test func aWatchCatchesUpAndThenFollows() async throws {
    let start = await store.list(.configMaps, namespace: nil).revision
    _ = try await make()
    var events = try await store.watch(.configMaps, after: start).makeAsyncIterator()
    _ = try await store.update(key) { $0[path: "spec", "x"] = 5 }
    _ = try await store.delete(key, grace: nil)
    var seen: [WatchEvent] = []
    for _ in 0..<3 { seen.append(try #require(await events.next())) }
    #expect(seen.map(\.kind) == [.added, .modified, .deleted])
    #expect(seen[1].previous == seen[0].object)
    #expect(seen[2].object[path: "metadata", "resourceVersion"]?.stringValue == String(seen[2].revision))
  }

  @Test func aWatchOfForgottenRevisionsIsExpired() async throws {
    for number in 0..<40 { _ = try await make("m\(number)") }
    await #expect(throws: StoreError.expired) { try await store.watch(.configMaps, after: 1) }
    let revision = await store.revision
    _ = try await store.watch(.configMaps, after: revision - 8)
  }

  @Test func aReaderThatFallsTooFarBehindIsCutOff() async throws {
    let events = try await store.watch(.configMaps, after: nil)
    for number in 0..<40 { _ = try await make("m\(number)") }
    var count = 0
    for await _ in events { count += 1 }
    #expect(count == 16)
  }

  @Test func anEndedWatchIsForgotten() async throws {
    let store = store
    let task = Task {
      for await _ in try await store.watch(.configMaps, after: nil) {}
    }
    while await store.watcherCount == 0 { await Task.yield() }
    task.cancel()
    for _ in 0..<1000 where await store.watcherCount > 0 { try await Task.sleep(for: .milliseconds(1)) }
    #expect(await store.watcherCount == 0)
  }
}
