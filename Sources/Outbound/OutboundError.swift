/// Invalid input of the user.
public struct OutboundError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    case badCIDR
    case badName
  }

  public let code: Code
  /// A description of the fault, for the user; names the text.
  public let message: String
  /// The remedy.
  public let remedy: String

  public init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  public var description: String { "\(message). \(remedy)" }
}
