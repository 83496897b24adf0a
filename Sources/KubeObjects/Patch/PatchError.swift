/// The reason that a patch could not be applied. The document is then unchanged.
public struct PatchError: Error, Hashable, CustomStringConvertible {
  public enum Code: Sendable {
    /// The patch does not follow RFC 6902 or RFC 6901.
    case malformed
    /// A path does not exist in the document.
    case absent
    /// A `test` operation found another value.
    case testFailed
  }

  public let code: Code
  /// The index of the operation in the patch; nil for a separate pointer.
  public let operation: Int?
  public let message: String

  init(_ code: Code, operation: Int? = nil, _ message: String) {
    self.code = code
    self.operation = operation
    self.message = message
  }

  func at(_ index: Int) -> PatchError { PatchError(code, operation: index, message) }

  public var description: String {
    guard let operation else { return message }
    return "operation \(operation) of the JSON patch: \(message)"
  }
}
