/// Host patterns of OpenSSH (ssh_config(5), "PATTERNS"): `*`, `?`, and `!` before a pattern that must not match.
enum HostPattern {
  /// Checks whether a list matches: one pattern does, and none with `!` does.
  /// - Parameter caseCounts: true for `Host` and for users; host names elsewhere have no case.
  static func matches(_ patterns: [Substring], _ name: String, caseCounts: Bool = false) -> Bool {
    func bytes(_ text: some StringProtocol) -> [UInt8] { Array((caseCounts ? String(text) : text.lowercased()).utf8) }
    let name = bytes(name)
    var isMatched = false
    for pattern in patterns {
      let isNegated = pattern.first == "!"
      guard matches(bytes(isNegated ? pattern.dropFirst() : pattern)[...], name[...]) else { continue }
      if isNegated { return false }
      isMatched = true
    }
    return isMatched
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    var (p, n) = (pattern.startIndex, name.startIndex)
    var star: Int?
    var retry = n
    while n < name.endIndex {
      if p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") {
        star = p
        retry = n
        p += 1
      } else if p < pattern.endIndex, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
        p += 1
        n += 1
      } else if let star {
        // The last star takes one character more.
        p = star + 1
        retry += 1
        n = retry
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
