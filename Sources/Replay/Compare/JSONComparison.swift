import KubeObjects

/// The differences of two JSON values, by their places.
struct JSONComparison {
  private(set) var differences: [Difference] = []
  /// Places whose difference does not count.
  private let ignores: (String) -> Bool
  /// More are not looked for.
  static let limit = 100

  init(ignoring ignores: @escaping (String) -> Bool) { self.ignores = ignores }

  mutating func compare(_ kept: JSONValue, _ now: JSONValue, at place: String) {
    guard differences.count < Self.limit else { return }
    switch (kept, now) {
    case (.object(let first), .object(let second)):
      for name in Set(first.keys).union(second.keys).sorted() {
        pair(first[name], second[name], Self.member(place, name))
      }
    case (.array(let first), .array(let second)):
      for index in 0..<max(first.count, second.count) {
        // A plain nil would be JSON's null.
        pair(kept[index], now[index], "\(place)[\(index)]")
      }
    default:
      guard !Self.isSame(kept, now) else { return }
      add(place, kept.description, now.description)
    }
  }

  private mutating func pair(_ kept: JSONValue?, _ now: JSONValue?, _ place: String) {
    guard let kept, let now else {
      return add(place, kept?.description ?? Difference.absent, now?.description ?? Difference.absent)
    }
    compare(kept, now, at: place)
  }

  private mutating func add(_ place: String, _ kept: String, _ now: String) {
    guard differences.count < Self.limit, !ignores(place) else { return }
    differences.append(Difference(place, kept, now))
  }

  /// A value that was hidden when it was written is any.
  private static func isSame(_ kept: JSONValue, _ now: JSONValue) -> Bool {
    if kept == now || kept.stringValue == ReplayPlan.hidden { return true }
    switch (kept, now) {
    case (.int(let whole), .double(let other)), (.double(let other), .int(let whole)): return Double(whole) == other
    default: return false
    }
  }

  private static func member(_ place: String, _ name: String) -> String {
    let isPlain = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && !".[]\"".utf8.contains($0) }
    return isPlain ? "\(place).\(name)" : "\(place)[\(JSONValue.string(name))]"
  }
}
