import CControl
import FoundationEssentials
import TerminalText

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// stdout and stderr, with colour only if a person sees it and wants it (NO_COLOR, no-color.org). All output goes
/// through here and is made safe for a terminal (`TerminalText`), even if others wrote it.
package struct Terminal: Sendable {
  enum Color: String, Sendable {
    case red = "31"
    case green = "32"
    case yellow = "33"
    case blue = "34"
    case magenta = "35"
    case cyan = "36"
    case faint = "2"
  }

  let descriptor: Int32
  let isTerminal: Bool
  /// True if the cursor can be moved on it.
  let canDraw: Bool
  private let coloured: Bool

  init(_ descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment) {
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1
    canDraw = isTerminal && !["", "dumb"].contains(environment["TERM"] ?? "")
    coloured = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  package static let output = Terminal(STDOUT_FILENO)
  package static let error = Terminal(STDERR_FILENO)

  func paint(_ text: String, _ color: Color) -> String { coloured ? "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m" : text }

  /// The terminal's columns; 80 if it gives none.
  var columns: Int {
    let columns = Int(ccontrol_columns(descriptor))
    return columns > 0 ? columns : 80
  }

  /// The terminal's rows; 24 if it gives none.
  var rows: Int {
    let rows = Int(ccontrol_rows(descriptor))
    return rows > 0 ? rows : 24
  }

  /// Asks the user at the terminal, and waits for a line.
  /// - Returns: nil if there is no terminal.
  static func ask(_ question: String, echo: Bool = true) -> String? {
    var bytes = [CChar](repeating: 0, count: 1024)
    let count = ccontrol_ask(TerminalText.visible(question), echo ? 1 : 0, &bytes, bytes.count)
    return count < 0 ? nil : String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Writes one or more lines.
  package func line(_ text: String) { put(TerminalText.visible(text, colours: coloured) + "\n") }

  /// Writes a document as it is, for files and other programs; a terminal shows its control characters and doesn't obey
  /// them.
  func write(_ text: String) { put(isTerminal ? TerminalText.visible(text) : text) }

  func draw(_ drawing: TerminalDrawing) { put(drawing.bytes) }

  private func put(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        // Another process made the shared terminal or pipe non-blocking.
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&wait, 1, -1) > 0 { continue }
      }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

// `Terminal` hides the system call's name.
private func systemWrite(_ fd: Int32, _ data: UnsafeRawPointer?, _ count: Int) -> Int { write(fd, data, count) }
