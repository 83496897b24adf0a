import NIOHTTP1
import NIOSSL

/// Says who a request comes from: a client certificate that the lab's CA signed (TLS has checked that), or a bearer
/// token.
struct Authenticator: Sendable {
  /// User names by token; what they may do is for RBAC objects to say.
  var tokens: [String: String]

  func user(certificate: NIOSSLCertificate?, headers: HTTPHeaders) -> UserInfo {
    if let header = headers.first(name: "authorization"), header.lowercased().hasPrefix("bearer ") {
      let token = String(header.dropFirst("bearer ".count)).filter { $0 != " " }
      guard let name = tokens[token] else { return .anonymous }
      return UserInfo(name: name, groups: ["system:authenticated"])
    }
    guard certificate != nil else { return .anonymous }
    return UserInfo(name: LabCertificates.adminName, groups: ["system:masters", "system:authenticated"])
  }
}
