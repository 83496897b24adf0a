/// The reason why the benchmark, or one part of it, could not be measured.
struct BenchError: Error, CustomStringConvertible {
  enum Code: String { case usage, connect, stalled, ended, program, file }

  var code: Code
  /// The problem and the remedy.
  var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  var description: String { message }
}
