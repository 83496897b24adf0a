import Glibc

/// The reason why a shell cannot be made: the step, the cause and the remedy, for the user at the terminal.
struct ShellError: Error, CustomStringConvertible {
  var step: String
  var reason: String
  var advice: String?
  /// The system's error if one is the cause, else 0.
  var errno: Int32 = 0

  init(_ step: String, reason: String, advice: String? = nil) {
    self.step = step
    self.reason = reason
    self.advice = advice
  }

  /// - Parameter errno: positive.
  init(_ step: String, errno: Int32, advice: String? = nil) {
    self.init(step, reason: String(cString: strerror(errno)), advice: advice)
    self.errno = errno
  }

  var description: String { "\(step): \(reason)" + (advice.map { "; \($0)" } ?? "") }
}

/// Returns a result of the C shims, or throws its -errno as the step's failure.
@discardableResult
func check<Result: SignedInteger>(
  _ result: Result, _ step: @autoclosure () -> String, advice: @autoclosure () -> String? = nil
) throws(ShellError) -> Result {
  guard result < 0 else { return result }
  throw ShellError(step(), errno: Int32(-result), advice: advice())
}
