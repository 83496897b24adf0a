/// The reason why a patch cannot be applied.
struct PatchError: Error, Sendable, Equatable {
  enum Code: Sendable {
    /// The patch is no patch.
    case malformed
    /// A `test` of a JSON patch found another value, or a path that is not there.
    case notApplicable
    /// It asks for more than the API server does for one request.
    case tooLarge
  }

  var code: Code
  var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  func status(_ kind: ResourceKind, _ name: String) -> StatusError {
    switch code {
    case .malformed: .badRequest(message)
    case .tooLarge: StatusError(413, "RequestEntityTooLarge", message)
    // The API server answers a failed test with 422 and reason Invalid too.
    case .notApplicable:
      StatusError(
        422, "Invalid", "the server rejected our request due to an error in our request: \(message)",
        details: kind.details(name))
    }
  }
}
