/// Why the benchmark, or one part of it, could not be measured.
struct BenchError: Error, CustomStringConvertible {
  enum Code: String { case usage, connect, stalled, ended, program, file }

  var code: Code
  /// What is wrong and what to do.
  var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  var description: String { message }
}
