/// What a person gave this module and it could not use.
public struct OutboundError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    case badCIDR
    case badName
  }

  public let code: Code
  /// What is wrong, for a person; names the text.
  public let message: String
  /// What to do.
  public let remedy: String

  public init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  public var description: String { "\(message). \(remedy)" }
}
