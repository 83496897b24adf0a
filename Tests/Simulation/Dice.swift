/// A random number generator whose numbers follow from its seed (SplitMix64).
struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Returns a number from 0 to `count` - 1. The bias is far below what a schedule can show.
  mutating func below(_ count: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(count)).high) }

  /// Returns a number of a range, such as a time in milliseconds, evenly.
  mutating func time(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }

  /// Returns true in `percent` of a hundred cases.
  mutating func hits(_ percent: Double) -> Bool { Double(next() >> 11) * 0x1p-53 * 100 < percent }

  mutating func pick<T>(_ all: [T]) -> T { all[below(all.count)] }
}
