import ControlAPI
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Prints failures on stderr: `devtunnel: message`, indented details, and the remedy last.
enum ErrorOutput {
  static func write(_ error: ControlError, terminal: Terminal = .error) {
    lines(error, paint: terminal.paint).forEach(terminal.line)
  }

  static func lines(_ error: ControlError, paint: (String, Terminal.Color) -> String = { text, _ in text }) -> [String]
  {
    [paint("devtunnel:", .red) + " " + indented(error.message)] + error.details.map { "  " + indented($0) }
      + (error.remedy.map { [$0] } ?? [])
  }

  /// Indents the text's further lines, so that other people's text cannot look like a line of ours.
  static func indented(_ text: String) -> String {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\n  ")
  }

  static func warn(_ text: String, terminal: Terminal = .error) {
    terminal.line("\(terminal.paint("warning:", .yellow)) \(indented(text))")
  }

  /// Prints a warning that came while a command ran.
  static func warnEarly(_ text: String, terminal: Terminal = .error) {
    if early.withLock({ $0.insert(text).inserted }) { warn(text, terminal: terminal) }
  }

  /// Prints a report's warnings, without those that came while the command ran.
  static func warn(_ report: [String]) {
    report.filter { text in !early.withLock { $0.contains(text) } }.forEach { warn($0) }
  }

  private static let early = Mutex<Set<String>>([])

  /// Rewrites the parser's message in the same form.
  static func usage(_ message: String) -> String {
    message.hasPrefix("Error: ") ? "devtunnel: " + message.dropFirst("Error: ".count) : message
  }
}

/// The end of the process.
enum Exit {
  /// Ends the process at once, without the steps of `exit`: the handlers and destructors of libraries (OpenSSL's,
  /// libstdc++'s) free memory that running threads still use (libcurl's, its resolver's, Swift's), and not all of those
  /// can be waited for. Nothing here needs the handlers: output is written without stdio, and files are complete before
  /// a command returns.
  static func now(_ status: Int32) -> Never { _exit(status) }
}
