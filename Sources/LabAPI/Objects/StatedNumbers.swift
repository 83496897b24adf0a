import KubeObjects

/// Numbers that clients state. The API's counts and seconds are those of an `int32` or cannot sensibly be more. With
/// these limits no sum of them overflows.
extension JSONValue {
  /// A count or a number of seconds: none below 0, none above 2147483647; nil for what is no whole number.
  var countValue: Int? { intValue.map(Self.count) }

  static func count(_ number: Int) -> Int { min(max(0, number), Int(Int32.max)) }
}
