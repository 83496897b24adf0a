/// A failure to read or watch sources: the problem, its place, and the remedy.
public struct WatchError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// A file or directory does not exist.
    case missing
    /// A file with an invalid text.
    case syntax
    /// A Dockerfile without the requested stage.
    case unknownTarget
    /// The kernel gives no more watches or instances.
    case limit
    /// Any other failure of the system.
    case system
  }

  public var code: Code
  /// The problem, without the place.
  public var message: String
  /// The file or directory concerned.
  public var file: String?
  /// Counted from 1; nil for the whole file.
  public var line: Int?
  /// The remedy; empty if the message has it.
  public var remedy: String

  public init(_ code: Code, _ message: String, file: String? = nil, line: Int? = nil, remedy: String = "") {
    self.code = code
    self.message = message
    self.file = file
    self.line = line
    self.remedy = remedy
  }

  /// `file:line: message; remedy`.
  public var description: String {
    let place = file.map { file in line.map { "\(file):\($0): " } ?? "\(file): " } ?? ""
    return place + message + (remedy.isEmpty ? "" : "; \(remedy)")
  }
}
