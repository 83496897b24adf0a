import KubeObjects

/// An amount as Kubernetes writes it (apimachinery, `resource.Quantity`): `100m`, `64Mi`, `1.5`, `2e3`. Counted in
/// thousandths, rounded up as Kubernetes does.
package struct Quantity: Sendable, Hashable, Comparable {
  package var milli: Int

  package init(milli: Int) { self.milli = milli }
  /// Counts whole units; more than fits becomes the most that fits.
  package init(whole: Int) { milli = whole.multipliedSaturating(by: 1000) }

  /// Parses an amount; nil if it is none, or is more than 9 · 10¹⁵.
  package init?(_ text: String) {
    let number = text.prefix { $0.isNumber || $0 == "." || $0 == "-" || $0 == "+" }
    let suffix = text.dropFirst(number.count)
    let amount: Double?
    if suffix.first == "e" || suffix.first == "E", suffix.count > 1 {
      amount = Double(text)
    } else if let scale = Self.scales[String(suffix)] {
      amount = Double(number).map { $0 * scale }
    } else {
      amount = nil
    }
    guard let amount, abs(amount) < 9e15 else { return nil }
    // Ignore the excess of binary fractions.
    milli = Int(saturating: (amount * 1000 - 1e-6).rounded(.up))
  }

  private static let scales: [String: Double] = [
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 1024, "Mi": 1_048_576, "Gi": 1_073_741_824, "Ti": 1_099_511_627_776, "Pi": 1_125_899_906_842_624,
  ]

  package static func < (a: Quantity, b: Quantity) -> Bool { a.milli < b.milli }
}

extension Quantity: CustomStringConvertible {
  package var description: String {
    guard milli % 1000 == 0 else { return "\(milli)m" }
    let whole = milli / 1000
    return whole > 0 && whole % 1_048_576 == 0 ? "\(whole / 1_048_576)Mi" : "\(whole)"
  }
}
