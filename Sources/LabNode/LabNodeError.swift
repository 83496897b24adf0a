/// The reason why the node cannot do something, in words for the person who runs the lab.
public struct LabNodeError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// A program the lab needs is not installed.
    case missingProgram
    /// A program ran and said no.
    case commandFailed
    /// The kernel refused a system call.
    case systemCall
    /// The configuration contradicts itself.
    case configuration
    /// The Pod network has no free address.
    case addressesExhausted
    /// No image of that name is in the lab's storage.
    case imageMissing
    /// A container's specification cannot be carried out as written.
    case containerConfig
    /// A volume's source is missing or of a type the lab does not have.
    case volume
  }

  public var code: Code
  public var message: String
  public var description: String { message }

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}
