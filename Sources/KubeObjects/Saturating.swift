extension FixedWidthInteger {
  /// The nearest whole number that fits; zero for NaN: a foreign value never traps.
  public init(saturating value: Double) {
    if let exact = Self(exactly: value.rounded(.towardZero)) {
      self = exact
    } else {
      self = value.isNaN ? 0 : value < 0 ? .min : .max
    }
  }

  /// Returns the product, or the nearest number that fits.
  public func multipliedSaturating(by factor: Self) -> Self {
    let (product, overflows) = multipliedReportingOverflow(by: factor)
    return overflows ? (self < 0) != (factor < 0) ? .min : .max : product
  }

  /// Returns the sum, or the nearest number that fits.
  public func addingSaturating(_ other: Self) -> Self {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? other < 0 ? .min : .max : sum
  }
}
