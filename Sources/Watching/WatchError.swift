/// Why sources cannot be read or watched: what is wrong, where, and what to do.
public struct WatchError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// A file or directory that is not there.
    case missing
    /// A file that says something nobody understands.
    case syntax
    /// A Dockerfile without the stage that is asked for.
    case unknownTarget
    /// The kernel gives no more watches or instances.
    case limit
    /// Any other failure of the system.
    case system
  }

  public var code: Code
  /// What is wrong, without the place.
  public var message: String
  /// The file or directory that is meant.
  public var file: String?
  /// Counted from 1; nil if the whole file is meant.
  public var line: Int?
  /// What to do; empty if the message says it.
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
