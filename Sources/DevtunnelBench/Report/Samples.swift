/// Times of one action, in milliseconds.
struct Samples: Sendable {
  private var values: [Double] = []

  init(_ values: [Double] = []) { self.values = values }

  mutating func add(microseconds: UInt64) { values.append(Double(microseconds) / 1000) }

  /// Returns the smallest value that is not exceeded by `percent` of all (nearest rank); nil without samples.
  func percentile(_ percent: Double) -> Double? {
    guard !values.isEmpty else { return nil }
    let rank = (percent / 100 * Double(values.count)).rounded(.up)
    return values.sorted()[min(max(Int(rank) - 1, 0), values.count - 1)]
  }

  /// Returns the middle value, or the mean of the middle two; nil without values.
  static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}
