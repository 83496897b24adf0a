/// The names of fields, parameters and cookies whose values are secrets.
enum SecretNames {
  /// A name with one of these, in whatever spelling: `x-api-key`, `apiKey`, `API_KEY`.
  private static let parts = [
    "token", "secret", "password", "passwd", "passphrase", "apikey", "session", "signature", "credential",
    "privatekey", "accesskey", "authkey", "authorization", "jwt", "csrf", "xsrf",
  ]
  private static let whole: Set<String> = ["auth", "sig", "pwd", "pass", "otp", "pin", "sid", "assertion"]

  static func look(_ name: some StringProtocol) -> Bool {
    var plain = name.lowercased()
    plain.removeAll { $0 == "-" || $0 == "_" || $0 == "." || $0 == " " }
    return whole.contains(plain) || parts.contains { plain.contains($0) }
  }
}

/// The text in the place of a secret.
let hiddenText = "***"
