/// The times and number of a request's attempts.
public struct RetryPolicy: Sendable {
  /// Including the first one.
  public var attempts: Int
  /// The pause before the second attempt; doubled before each further one.
  public var delay: Duration
  /// The limit of the doubled pause.
  public var maximumDelay: Duration
  /// The longest pause that a server may ask for (Retry-After); beyond it the error is reported at once.
  public var maximumRetryAfter = Duration.seconds(30)

  public init(attempts: Int = 5, delay: Duration = .milliseconds(200), maximumDelay: Duration = .seconds(10)) {
    self.attempts = attempts
    self.delay = delay
    self.maximumDelay = maximumDelay
  }

  /// Returns the pause after a number of failures in a row; half of it is random, so that clients do not
  /// come back together.
  func delay(afterFailures failures: Int) -> Duration {
    let longest = min(maximumDelay, delay * (1 << min(max(0, failures - 1), 20)))
    return longest / 2 + longest / 2 * Double.random(in: 0...1)
  }

  /// Returns the pause that a Retry-After header asks for (RFC 9110, section 10.2.3), a year at most; nil
  /// if it is not a number of seconds.
  static func retryAfter(_ header: String?) -> Duration? {
    guard let text = header?.trimmed, !text.isEmpty,
      text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return .seconds(min(Int(text) ?? .max, 365 * 86_400))
  }

  /// Checks whether a request may be sent again after an error.
  /// - Parameters:
  ///   - isIdempotent: whether the server may see it twice.
  ///   - serverAsks: the answer had a Retry-After: the server did nothing with the request, as client-go assumes too.
  static func mayRetry(_ error: KubeError, isIdempotent: Bool, serverAsks: Bool) -> Bool {
    guard error.isTransient else { return false }
    return isIdempotent || error.wasNotSent || serverAsks || error.statusCode == 429
  }
}
