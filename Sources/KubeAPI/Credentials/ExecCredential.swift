import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A credential plugin's output (Kubernetes API, `ExecCredential`).
struct ExecCredential: Sendable, Hashable {
  let credentials: Credentials
  /// Nil for credentials that last as long as the process.
  let expiration: Date?

  var hasExpired: Bool { expiration.map { $0 <= Date.now } ?? false }

  init(parsing text: String, of plugin: ExecPlugin) throws(KubeError) {
    guard let json = try? JSONValue(parsing: text), json.kind == "ExecCredential" else {
      throw plugin.failure("did not print an ExecCredential object", plugin.installHint)
    }
    guard json.apiVersion == plugin.apiVersion else {
      throw plugin.failure(
        "speaks \(json.apiVersion ?? "no apiVersion"), the kubeconfig says \(plugin.apiVersion)",
        "update the plugin, or its entry in the kubeconfig")
    }
    let status = json["status"]
    let token = status?["token"]?.stringValue
    let certificate = status?["clientCertificateData"]?.stringValue
    let key = status?["clientKeyData"]?.stringValue
    guard token?.isEmpty == false || certificate?.isEmpty == false, (certificate == nil) == (key == nil) else {
      throw plugin.failure("gave neither a token nor a client certificate with its key", "run it by hand to see why")
    }
    credentials = Credentials(
      bearerToken: token, clientCertificate: certificate.map { Array($0.utf8) }, clientKey: key.map { Array($0.utf8) })
    if let stamp = status?["expirationTimestamp"]?.stringValue {
      guard let date = Self.date(stamp) else {
        throw plugin.failure("gave an expirationTimestamp that is not RFC 3339: \(stamp)", "update the plugin")
      }
      expiration = date
    } else {
      expiration = nil
    }
  }

  /// Parses RFC 3339, dropping fractions of a second.
  static func date(_ text: String) -> Date? {
    var plain = text
    if let dot = plain.firstIndex(of: ".") {
      let end = plain[dot...].dropFirst().firstIndex { !$0.isNumber } ?? plain.endIndex
      plain.removeSubrange(dot..<end)
    }
    return try? Date(plain, strategy: .iso8601)
  }
}
