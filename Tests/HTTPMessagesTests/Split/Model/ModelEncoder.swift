@testable import HTTPMessages

/// An encoder with a dynamic table, written for the tests alone.
final class ModelEncoder {
  private var table: [(name: String, value: String)] = []
  private var size = 0
  private var capacity = 4096
  private static let statics: [(name: String, value: String)] = (1...HPACKStaticTable.count).map {
    (
      String(decoding: HPACKStaticTable.name($0), as: UTF8.self),
      String(decoding: HPACKStaticTable.value($0), as: UTF8.self)
    )
  }

  func encode(_ name: String, _ value: String, isSecret: Bool = false) -> [UInt8] {
    let all = Self.statics + table
    if !isSecret, let index = all.firstIndex(where: { $0.name == name && $0.value == value }) {
      return integer(index + 1, 7, 0x80)
    }
    let index = (all.firstIndex { $0.name == name } ?? -1) + 1
    let start = isSecret ? integer(index, 4, 0x10) : integer(index, 6, 0x40)
    if !isSecret { insert(name, value) }
    return start + (index == 0 ? text(name) : []) + text(value)
  }

  /// Returns the beginning of a block that changes the table's size.
  func resize(_ capacity: Int) -> [UInt8] {
    self.capacity = capacity
    evict()
    return integer(capacity, 5, 0x20)
  }

  private func insert(_ name: String, _ value: String) {
    table.insert((name, value), at: 0)
    size += name.utf8.count + value.utf8.count + 32
    evict()
  }

  private func evict() {
    while size > capacity, let last = table.popLast() { size -= last.name.utf8.count + last.value.utf8.count + 32 }
  }

  private func text(_ text: String) -> [UInt8] { integer(text.utf8.count, 7, 0) + Array(text.utf8) }

  private func integer(_ value: Int, _ bits: Int, _ flags: UInt8) -> [UInt8] {
    let most = (1 << bits) - 1
    if value < most { return [flags | UInt8(value)] }
    var result = [flags | UInt8(most)]
    var rest = value - most
    while rest >= 128 {
      result.append(UInt8(rest % 128) | 128)
      rest /= 128
    }
    return result + [UInt8(rest)]
  }
}

/// Numbers that follow from a seed.
struct Random {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  mutating func below(_ limit: Int) -> Int { Int(next() >> 11) % max(limit, 1) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
}
