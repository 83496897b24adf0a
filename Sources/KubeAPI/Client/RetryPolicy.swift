/// When and how often a request is sent again.
public struct RetryPolicy: Sendable {
  /// With the first one.
  public var attempts: Int
  /// Before the second try; doubled before each further one.
  public var delay: Duration
  public var maximumDelay: Duration

  public init(attempts: Int = 5, delay: Duration = .milliseconds(200), maximumDelay: Duration = .seconds(10)) {
    self.attempts = attempts
    self.delay = delay
    self.maximumDelay = maximumDelay
  }

  /// How long to wait after a number of failures in a row, half of it by chance so that clients do not come back together.
  func delay(afterFailures failures: Int) -> Duration {
    let longest = min(maximumDelay, delay * (1 << min(max(0, failures - 1), 20)))
    return longest / 2 + longest / 2 * Double.random(in: 0...1)
  }

  /// Whether a request may be sent again after an error.
  /// - Parameters:
  ///   - isIdempotent: whether the server may see it twice.
  ///   - serverAsks: the answer had a Retry-After: the server did nothing with the request, as client-go reads it too.
  static func mayRetry(_ error: KubeError, isIdempotent: Bool, serverAsks: Bool) -> Bool {
    guard error.isTransient else { return false }
    return isIdempotent || error.wasNotSent || serverAsks || error.statusCode == 429
  }
}
