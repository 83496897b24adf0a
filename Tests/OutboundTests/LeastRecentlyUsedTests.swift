import TestSupport
import Testing

@testable import Outbound

@Suite struct LeastRecentlyUsedTests {
  @Test func theOneUsedLongestAgoGoes() {
    var kept = LeastRecentlyUsed<String, Int>(capacity: 2)
    #expect(kept.insert(1, for: "a") == nil)
    kept.insert(2, for: "b")
    #expect(kept["a"] == 1)
    let gone = kept.insert(3, for: "c")
    #expect(gone?.key == "b" && gone?.value == 2)
    #expect(kept.peek("a") == 1)
    let second = kept.insert(4, for: "d")
    #expect(second?.key == "a", "a look is no use")
    let replaced = kept.insert(5, for: "d")
    #expect(replaced?.value == 4 && kept.count == 2)
  }

  /// Against a list that does the same slowly.
  @Test func agreesWithAList() {
    var chance = SeededGenerator(seed: 42)
    var kept = LeastRecentlyUsed<Int, Int>(capacity: 16)
    var list: [(key: Int, value: Int)] = []
    for round in 0..<20_000 {
      let key = Int.random(in: 0..<40, using: &chance)
      let place = list.firstIndex { $0.key == key }
      switch Int.random(in: 0..<3, using: &chance) {
      case 0:
        if let place { list.remove(at: place) } else if list.count == 16 { list.removeFirst() }
        list.append((key, round))
        kept.insert(round, for: key)
      case 1:
        #expect(kept[key] == place.map { list[$0].value })
        if let place { list.append(list.remove(at: place)) }
      default:
        #expect(kept.remove(key) == place.map { list.remove(at: $0).value })
      }
      #expect(kept.count == list.count)
    }
    #expect(Set(kept.values) == Set(list.map(\.value)))
  }
}
