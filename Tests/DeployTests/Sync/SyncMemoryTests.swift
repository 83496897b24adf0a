import Testing

@testable import Deploy

struct SyncMemoryTests {
  private func container(_ instance: String) -> SpareCommands.Key {
    SpareCommands.Key(target: SyncReport.Target(namespace: "shop", pod: "web-0", container: "web"), instance: instance)
  }

  @Test func aNewContainerLacksWhatWasSyncedBefore() {
    let memory = SyncMemory()
    let (old, new) = (container("1"), container("2"))
    let (first, gone) = (
      FileChange(source: "/src/a", destination: "/srv/a"), FileChange(source: nil, destination: "/srv/b")
    )
    #expect(memory.missing(in: old, of: "web:1", besides: [first]).isEmpty)
    memory.note([first, gone], in: [old], of: "web:1")
    let later = FileChange(source: "/src/c", destination: "/srv/c")
    #expect(memory.missing(in: old, of: "web:1", besides: [later]).isEmpty)
    #expect(memory.missing(in: new, of: "web:1", besides: [later]) == [first, gone])
    #expect(memory.missing(in: new, of: "web:1", besides: [first]) == [gone])
    // Another image has its own files.
    #expect(memory.missing(in: new, of: "web:2", besides: [later]).isEmpty)
    memory.note([later], in: [new], of: "web:1")
    #expect(memory.missing(in: new, of: "web:1", besides: []).isEmpty)
  }
}
