import ControlAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How a failure is told on stderr: `devtunnel: message`, its details indented, and last what to do.
enum ErrorOutput {
  static func write(_ error: ControlError, terminal: Terminal = .error) {
    lines(error, paint: terminal.paint).forEach(terminal.line)
  }

  static func lines(_ error: ControlError, paint: (String, Terminal.Color) -> String = { text, _ in text }) -> [String]
  {
    [paint("devtunnel:", .red) + " " + indented(error.message)] + error.details.map { "  " + indented($0) }
      + (error.remedy.map { [$0] } ?? [])
  }

  /// The text with its further lines set in: what others say cannot look like a line of ours.
  static func indented(_ text: String) -> String {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\n  ")
  }

  static func warn(_ text: String, terminal: Terminal = .error) {
    terminal.line("\(terminal.paint("warning:", .yellow)) \(indented(text))")
  }

  /// The parser's message in the same form.
  static func usage(_ message: String) -> String {
    message.hasPrefix("Error: ") ? "devtunnel: " + message.dropFirst("Error: ".count) : message
  }
}

/// The end of the process.
enum Exit {
  /// Ends the process at once, without what `exit` does first: the handlers and destructors of libraries (OpenSSL's,
  /// libstdc++'s) free what threads that still run are using (libcurl's, its resolver's, Swift's), and not all of those
  /// can be waited for. Nothing here needs the handlers: output is written without stdio, and files are complete before
  /// a command returns.
  static func now(_ status: Int32) -> Never { _exit(status) }
}
