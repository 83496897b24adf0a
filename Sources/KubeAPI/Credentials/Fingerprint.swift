import Inputs

/// A short form of a text for which no one can make another text: SHA-256.
public enum Fingerprint {
  /// Returns 64 hexadecimal digits.
  public static func of(_ text: String) -> String {
    var hash = SHA256()
    hash.update(text)
    return hash.finish().description
  }
}
