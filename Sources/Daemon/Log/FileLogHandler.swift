import FoundationEssentials
import Logging

/// Writes `2026-01-31T10:02:03.456Z info message key=value` into the daemon's log, times in UTC as in RFC 3339.
public struct FileLogHandler: LogHandler {
  public var metadata: Logger.Metadata = [:]
  public var logLevel: Logger.Level
  private let file: LogFile

  public init(file: LogFile, level: Logger.Level) {
    self.file = file
    logLevel = level
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    file.write(FileLogHandler.line(at: Date(), event.level, "\(event.message)", all))
  }

  static func line(at time: Date, _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) -> String {
    let pairs = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\(quoted("\($0.value)"))" }
    return "\(time.formatted(timeFormat)) \(level.rawValue) \(oneLine(message))\(pairs.joined())"
  }

  private static let timeFormat = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  /// Escapes line breaks and control characters: an entry stays one line, even if a cluster or a plugin wrote the text.
  private static func oneLine(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": line += "\\n"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f: line += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: line.unicodeScalars.append(scalar)
      }
    }
    return line
  }

  private static func quoted(_ value: String) -> String {
    let plain =
      !value.isEmpty
      && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 != 0x7f }
    return plain ? value : "\"" + oneLine(value).replacing("\"", with: "\\\"") + "\""
  }
}
