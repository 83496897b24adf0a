/// The reason why the lab's API server does not start.
public struct LabError: Error, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// `openssl` is missing or failed.
    case certificates
    /// A file of the state directory cannot be read or written.
    case stateDirectory
    /// The port cannot be listened on.
    case listen
  }

  public var code: Code
  public var message: String
  public var description: String { message }

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}
