/// Text of another program without what looks like a secret: PEM blocks, JSON Web Tokens, long runs of random letters
/// and digits, passwords in URLs, and values behind names of secrets. A guess, which rather hides too much.
enum SecretText {
  // On bytes: each sign that counts is ASCII, and a plugin may write a megabyte.
  private typealias Bytes = ArraySlice<UInt8>

  private static let hidden = Array("[hidden]".utf8)

  /// - Returns: as many lines or fewer: a PEM block becomes one.
  static func hiding(_ lines: [String]) -> [String] {
    var shown: [[UInt8]] = []
    var isInBlock = false
    for line in lines {
      var line = Array(line.utf8)[...]
      if isInBlock {
        if takeEnd(&line) {
          isInBlock = false
        } else if isOfBlock(line) {
          continue
        } else {
          // A block that was cut off has no end: words are no more of it.
          isInBlock = false
        }
      }
      var text: [UInt8] = []
      while let begin = first("-----BEGIN", in: line) {
        text += hiding(line[..<begin]) + hidden
        line = line[begin...]
        // In JSON a block is one line.
        if !takeEnd(&line) {
          isInBlock = true
          line = []
        }
      }
      shown.append(text + hiding(line))
    }
    return shown.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Takes a PEM block up to its end; false where the line does not have it.
  private static func takeEnd(_ line: inout Bytes) -> Bool {
    guard let end = first("-----END", in: line) else { return false }
    let mark = line[end...].drop { $0 == dash }.drop { $0 != dash }
    line = mark.dropFirst(min(5, mark.prefix { $0 == dash }.count))
    return true
  }

  private static func first(_ mark: StaticString, in bytes: Bytes) -> Int? {
    let mark = mark.withUTF8Buffer { Array($0) }
    return bytes.indices.dropLast(mark.count - 1).first {
      bytes[$0] == mark[0] && bytes[$0..<$0 + mark.count].elementsEqual(mark)
    }
  }

  /// A line of base64, or a header (RFC 1421, section 4.6).
  private static func isOfBlock(_ line: Bytes) -> Bool {
    line.starts(with: "Proc-Type:".utf8) || line.starts(with: "DEK-Info:".utf8)
      || line.allSatisfy { isLetter($0) || isDigit($0) || isOne($0, of: "+/=") }
  }

  /// The line, with `[hidden]` in place of each secret.
  private static func hiding(_ line: Bytes) -> [UInt8] {
    var shown: [UInt8] = []
    var rest = line
    while let first = rest.first {
      let isWord = isWord(first)
      let word = rest.prefix { self.isWord($0) == isWord }
      if isWord, word.starts(with: [slash, slash]), shown.last == colon {
        rest = rest.dropFirst(2)
        shown += [slash, slash] + takeUser(&rest)
        continue
      }
      rest = rest[word.endIndex...]
      if isWord, word.starts(with: "eyJ".utf8), rest.first == UInt8(ascii: ".") {
        // A JSON Web Token: its parts may be short.
        rest = rest.drop { $0 == UInt8(ascii: ".") || self.isWord($0) }
        shown += hidden
        continue
      }
      if isWord, looksSecret(word) { shown += hidden } else { shown += word }
      if isWord, namesSecret(word), let sign = takeSign(&rest, isPath: word.contains(slash)) {
        shown += sign.text + takeValue(&rest, sign.quote)
      }
    }
    return shown
  }

  /// Takes `user:password` of a URL, as `user:[hidden]`.
  private static func takeUser(_ rest: inout Bytes) -> Bytes {
    let authority = rest.prefix { !isOne($0, of: "/? \"'") }
    guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { return [] }
    rest = rest[at...]
    let user = authority[..<at]
    if let sign = user.firstIndex(of: colon) { return user[...sign] + hidden }
    return looksSecret(user) ? hidden[...] : user
  }

  // MARK: Names and values

  /// Takes what is between a secret's name and its value: `=`, `": "`, ` := `. nil where no value follows: `token
  /// expired`.
  /// - Parameter isPath: a URL's path may end like a secret's name; what is behind its colon is the reason.
  private static func takeSign(_ rest: inout Bytes, isPath: Bool) -> (text: Bytes, quote: Quote?)? {
    let sign = rest.drop { isQuote($0) || $0 == backslash }.drop { $0 == space }
    guard let first = sign.first, first == equals || first == colon && !isPath else { return nil }
    var value = sign.drop { isOne($0, of: "=:>") }.drop { $0 == space }
    var quote: Quote?
    let isEscaped = value.first == backslash
    let unescaped = isEscaped ? value.dropFirst() : value
    if let mark = unescaped.first, isQuote(mark) {
      quote = Quote(mark: mark, isEscaped: isEscaped)
      value = unescaped.dropFirst()
    }
    defer { rest = value }
    return (rest[..<value.startIndex], quote)
  }

  /// The beginning of a value in quotes.
  private struct Quote {
    var mark: UInt8
    /// In JSON that is a string of JSON.
    var isEscaped: Bool
  }

  /// Takes a whole value, since passwords have signs in them; its end stays.
  private static func takeValue(_ rest: inout Bytes, _ quote: Quote?) -> [UInt8] {
    var shown: [UInt8] = []
    var end = rest.startIndex
    if let quote {
      while end < rest.endIndex, rest[end] != quote.mark, !quote.isEscaped || rest[end] != backslash {
        // `\"` is no end.
        end += rest[end] == backslash ? 2 : 1
      }
      end = min(end, rest.endIndex)
    } else {
      let word = rest.prefix { isWord($0) }
      if rest[word.endIndex...].first == space, schemes.contains(String(decoding: word, as: UTF8.self).lowercased()) {
        // `Authorization: Bearer TOKEN`
        shown = word + [space]
        rest = rest[word.endIndex...].drop { $0 == space }
      }
      end = rest.firstIndex { isOne($0, of: " \"',;&)}]<>\\") } ?? rest.endIndex
    }
    if end > rest.startIndex { shown += hidden }
    rest = rest[end...]
    return shown
  }

  private static let schemes: Set<String> = ["bearer", "basic", "negotiate", "digest", "token"]

  /// The end of what a secret is called, in lower case and without `_` and `-`.
  private static let names = [
    "token", "password", "passwd", "passphrase", "pwd", "secret", "authorization", "cookie", "assertion", "signature",
    "apikey", "accesskey", "secretkey", "privatekey", "accountkey", "sharedkey", "encryptionkey", "keydata",
  ]

  private static func namesSecret(_ word: Bytes) -> Bool {
    let end = word.suffix(64).filter { $0 != dash && $0 != UInt8(ascii: "_") }
    let name = String(decoding: end, as: UTF8.self).lowercased()
    return names.contains(where: name.hasSuffix)
  }

  // MARK: Random text

  private static let shortest = 20

  private static func looksSecret(_ word: Bytes) -> Bool {
    guard word.count >= shortest else { return false }
    return looksRandom(word) || word.split(separator: slash).contains { $0.count >= shortest && looksRandom($0) }
  }

  /// A part of 16 letters and digits, mixed, is no word, no UUID and no name of a resource. In base64 the neighbour of
  /// a letter or digit is of another kind (lower case, upper case, digit) two times of three; in names and paths, one
  /// of four.
  private static func looksRandom(_ word: Bytes) -> Bool {
    let parts = word.split { !isLetter($0) && !isDigit($0) }
    if parts.contains(where: { $0.count >= 16 && $0.contains(where: isDigit) && $0.contains(where: isLetter) }) {
      return true
    }
    let kinds = parts.joined().map(Kind.init)
    guard kinds.contains(.lower), kinds.contains(.upper) else { return false }
    let changes = zip(kinds, kinds.dropFirst()).count { $0 != $1 }
    return changes * 10 >= (kinds.count - 1) * (kinds.contains(.digit) ? 3 : 4)
  }

  private enum Kind {
    case digit, lower, upper

    init(_ byte: UInt8) { self = isDigit(byte) ? .digit : byte & 0x20 != 0 ? .lower : .upper }
  }

  // MARK: Bytes

  private static let dash = UInt8(ascii: "-")
  private static let slash = UInt8(ascii: "/")
  private static let colon = UInt8(ascii: ":")
  private static let equals = UInt8(ascii: "=")
  private static let space = UInt8(ascii: " ")
  private static let backslash = UInt8(ascii: "\\")

  /// Of base64, of base64url, and what names and paths have.
  private static func isWord(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) || isOne(byte, of: "_-+~/") }
  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  private static func isQuote(_ byte: UInt8) -> Bool { isOne(byte, of: "\"'") }

  private static func isOne(_ byte: UInt8, of signs: StaticString) -> Bool {
    signs.withUTF8Buffer { $0.contains(byte) }
  }
}
