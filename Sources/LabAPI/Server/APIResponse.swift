import KubeObjects

/// The answer to a request.
struct APIResponse: Sendable {
  enum Body: Sendable {
    case bytes([UInt8])
    /// Written piece by piece while the client listens; ends when the closure returns, and is cancelled when the client
    /// leaves.
    case stream(@Sendable (any BodyWriter) async throws -> Void)
  }

  var code: Int
  var contentType: String
  var body: Body

  init(_ code: Int, contentType: String, body: Body) {
    self.code = code
    self.contentType = contentType
    self.body = body
  }

  static func json(_ object: JSONValue, code: Int = 200) -> APIResponse {
    APIResponse(code, contentType: "application/json", body: .bytes(object.serialized()))
  }

  static func text(_ text: String, code: Int = 200) -> APIResponse {
    APIResponse(code, contentType: "text/plain; charset=utf-8", body: .bytes(Array(text.utf8)))
  }

  init(_ error: StatusError) {
    self = .json(error.object, code: error.code)
  }
}

/// The destination of a streamed body. A write returns when the connection has taken the bytes, so a slow client
/// slows its writer.
protocol BodyWriter: Sendable {
  func write(_ bytes: [UInt8]) async throws
}
