import TestSupport
import Testing

@testable import TunnelProtocol

struct StreamIndexTests {
  @Test("Finds streams by their numbers while others come and go", arguments: [1, 2, 3, 4] as [UInt64])
  func comesAndGoes(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    var index = StreamIndex()
    var open: [UInt32: Int] = [:]
    var next: UInt32 = seed.isMultiple(of: 2) ? 1 : 2
    for step in 0..<5000 {
      let share = (step / 1000).isMultiple(of: 2) ? 60 : 40
      let opens = Int.random(in: 0..<100, using: &chance) < share
      if opens || open.isEmpty {
        index.append(next, slot: step)
        open[next] = step
        next += 2 * UInt32.random(in: 1...5, using: &chance)
      } else {
        let id = open.keys.sorted().randomElement(using: &chance)!
        index.remove(id)
        open[id] = nil
        #expect(index[id] == nil)
      }
      if step.isMultiple(of: 100) {
        for id in 0...next { #expect(index[id] == open[id], "stream \(id)") }
      }
    }
  }

  @Test("Knows no stream when it is empty, and removes what it does not have")
  func empty() {
    var index = StreamIndex()
    index.remove(7)
    #expect(index[7] == nil && index[0] == nil && index[.max] == nil)
    index.append(.max, slot: 3)
    index.remove(7)
    #expect(index[.max] == 3)
  }
}
