import KubeObjects

/// A Kubernetes quantity, `500m` or `64Mi`, as a number of its base unit.
struct Quantity: Sendable, Equatable {
  var value: Double

  private static let suffixes: [(String, Double)] = [
    ("Ki", 0x1p10), ("Mi", 0x1p20), ("Gi", 0x1p30), ("Ti", 0x1p40), ("Pi", 0x1p50), ("Ei", 0x1p60), ("n", 1e-9),
    ("u", 1e-6), ("m", 1e-3),
    ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15), ("E", 1e18),
  ]

  init?(_ text: String) {
    let (digits, factor) =
      Self.suffixes.first { text.hasSuffix($0.0) }.map { (text.dropLast($0.0.count), $0.1) } ?? (text[...], 1)
    guard let number = Double(digits), (number * factor).isFinite else { return nil }
    value = number * factor
  }

  /// Returns the number of whole divisors, rounded up, as `resourceFieldRef` reports it.
  func divided(by divisor: Quantity) -> Int64 {
    guard divisor.value > 0 else { return 0 }
    return Int64(saturating: (value / divisor.value).rounded(.up))
  }
}
