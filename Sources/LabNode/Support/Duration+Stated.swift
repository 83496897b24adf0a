extension Duration {
  /// Seconds that a manifest or a request states: none below 0, and no more than an `int32` of the API holds, so that
  /// no sum with them overflows.
  static func stated(_ seconds: Int) -> Duration { .seconds(min(max(0, seconds), Int(Int32.max))) }
}
