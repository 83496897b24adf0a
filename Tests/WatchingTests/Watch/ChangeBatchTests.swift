import Testing

@testable import Watching

struct ChangeBatchTests {
  @Test("Of two batches, what was seen last counts")
  func merge() {
    let start = ContinuousClock.now
    var first = ChangeBatch(paths: ["/a", "/dir/b", "/c"], deleted: ["/d"], firstEvent: start)
    first.merge(
      ChangeBatch(paths: ["/d", "/e"], deleted: ["/a", "/dir"], firstEvent: start + .seconds(1), overflowed: true))
    #expect(first.paths == ["/c", "/d", "/e"])
    #expect(first.deleted == ["/a", "/dir"])
    #expect(first.firstEvent == start && first.overflowed)
  }
}
