/// The rules for names, labels and ports (RFC 1123 and RFC 1035 as Kubernetes reads them).
enum NameRules {
  /// A DNS label: up to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit.
  static func isLabel(_ text: Substring) -> Bool {
    (1...63).contains(text.utf8.count) && text.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
      && hasGoodEnds(text)
  }

  /// A DNS subdomain: labels with dots between, up to 253 characters.
  static func isSubdomain(_ text: String) -> Bool {
    text.utf8.count <= 253
      && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty && part.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
          && hasGoodEnds(part)
      }
  }

  /// A label's value: empty, or up to 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or
  /// digit.
  static func isLabelValue(_ text: String) -> Bool {
    text.isEmpty || (text.utf8.count <= 63 && isQualifiedPart(text[...]))
  }

  /// A label's or annotation's key: a name, with a subdomain and a slash before it or not.
  static func isQualifiedName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let name = parts.last, (1...63).contains(name.utf8.count), isQualifiedPart(name) else {
      return false
    }
    return parts.count == 1 || isSubdomain(String(parts[0]))
  }

  /// A kernel parameter, whose parts dots or slashes separate.
  static func isSysctl(_ text: String) -> Bool {
    (1...253).contains(text.utf8.count)
      && text.utf8.split(
        omittingEmptySubsequences: false, whereSeparator: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
      )
      .allSatisfy { part in
        guard let first = part.first, let last = part.last else { return false }
        return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
          && part.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
      }
  }

  static let sysctlRule =
    "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"

  private static func isQualifiedPart(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last, isAlphanumeric(first), isAlphanumeric(last) else {
      return false
    }
    return text.utf8.allSatisfy {
      isAlphanumeric($0) || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains($0)
    }
  }

  private static func hasGoodEnds(_ text: Substring) -> Bool {
    text.utf8.first != UInt8(ascii: "-") && text.utf8.last != UInt8(ascii: "-")
  }
  private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }

  static let subdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    + "and must start and end with an alphanumeric "
    + "character"
  static let labelRule =
    """
    a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with \
    an alphanumeric character
    """
}
