import Inputs

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension TemplateFunctions {
  private static func text(_ count: Int, _ body: @escaping @Sendable ([String]) -> String) -> Function {
    Function(count: count...count) { .string(body($0.map(\.text))) }
  }

  static let strings: [String: Function] = [
    "lower": text(1) { $0[0].lowercased() }, "upper": text(1) { $0[0].uppercased() },
    "title": text(1) { capitalized($0[0]) },
    "untitle": text(1) { words($0[0]) { $0.prefix(1).lowercased() + $0.dropFirst() } },
    "trim": text(1) { $0[0].trimmed }, "trimAll": text(2) { trimmed($0[1], $0[0]) },
    "trimall": text(2) { trimmed($0[1], $0[0]) },
    "trimPrefix": text(2) { $0[1].hasPrefix($0[0]) ? String($0[1].dropFirst($0[0].count)) : $0[1] },
    "trimSuffix": text(2) { $0[1].hasSuffix($0[0]) ? String($0[1].dropLast($0[0].count)) : $0[1] },
    "nospace": text(1) { $0[0].filter { !$0.isWhitespace } },
    "replace": Function(count: 3...3) { values throws(Problem) in
      let (old, new, text) = (values[0].text, values[1].text, values[2].text)
      if old.isEmpty { return .string(text) }
      guard text.utf8.count + text.ranges(of: old).count * new.utf8.count <= EnvTemplate.longest else {
        throw tooLong("replace")
      }
      return .string(text.replacing(old, with: new))
    },
    "repeat": Function(count: 2...2) { values throws(Problem) in
      let count = Int(clamping: max(0, values[0].int))
      let size = values[1].text.utf8.count
      guard size == 0 || count <= EnvTemplate.longest / size else { throw tooLong("repeat") }
      return .string(String(repeating: values[1].text, count: size == 0 ? 0 : count))
    },
    "trunc": Function(count: 2...2) { values in
      let (length, text) = (values[0].int, values[1].text)
      return .string(
        String(length < 0 ? text.suffix(Int(clamping: length.magnitude)) : text.prefix(Int(clamping: length))))
    },
    "substr": Function(count: 3...3) { values in
      let text = Array(values[2].text)
      let from = min(max(0, Int(clamping: values[0].int)), text.count)
      let end = Int(clamping: values[1].int)
      return .string(String(text[from..<max(from, end < 0 ? text.count : min(end, text.count))]))
    },
    "abbrev": Function(count: 2...2) { values in
      let (width, text) = (Int(clamping: values[0].int), values[1].text)
      return .string(width < 4 || text.count <= width ? text : text.prefix(width - 3) + "...")
    },
    "quote": Function(count: 0...64, takesMissing: true) { values in
      .string(values.filter { !$0.isMissing }.map { quoted($0.text) }.joined(separator: " "))
    },
    "squote": Function(count: 0...64, takesMissing: true) { values in
      .string(values.filter { !$0.isMissing }.map { "'\($0.text)'" }.joined(separator: " "))
    },
    "cat": Function(count: 0...64, takesMissing: true) { values in
      .string(values.filter { !$0.isMissing }.map(\.text).joined(separator: " ").trimmed)
    },
    "indent": Function(count: 2...2) { values throws(Problem) in .string(try indented(values)) },
    "nindent": Function(count: 2...2) { values throws(Problem) in .string("\n" + (try indented(values))) },
    "contains": Function(count: 2...2) { .bool($0[0].text.isEmpty || $0[1].text.contains($0[0].text)) },
    "hasPrefix": Function(count: 2...2) { .bool($0[1].text.hasPrefix($0[0].text)) },
    "hasSuffix": Function(count: 2...2) { .bool($0[1].text.hasSuffix($0[0].text)) },
    "plural": Function(count: 3...3) { $0[2].int == 1 ? $0[0] : $0[1] },
    "initials": text(1) {
      $0[0].split(whereSeparator: \.isWhitespace).compactMap { $0.first.map(String.init) }.joined()
    },
    "swapcase": text(1) { $0[0].map { $0.isUppercase ? $0.lowercased() : $0.uppercased() }.joined() },
    "snakecase": text(1) { separated($0[0], "_") }, "kebabcase": text(1) { separated($0[0], "-") },
    "camelcase": text(1) { text in
      let words = text[0].split { "_- ".contains($0) }
      return words.enumerated().map { index, word in
        (index == 0 ? word.prefix(1).lowercased() : word.prefix(1).uppercased()) + word.dropFirst()
      }.joined()
    },
    "wrap": Function(count: 2...2) { values throws(Problem) in
      .string(try joined("wrap", wrapped(values[1].text, Int(clamping: values[0].int)), "\n"))
    },
    "wrapWith": Function(count: 3...3) { values throws(Problem) in
      .string(try joined("wrapWith", wrapped(values[2].text, Int(clamping: values[0].int)), values[1].text))
    },
    "b64enc": text(1) { Data($0[0].utf8).base64EncodedString() },
    "b64dec": Function(count: 1...1) { values throws(Problem) in
      guard let bytes = Data(base64Encoded: values[0].text) else { throw wrong("b64dec", values[0], "base64") }
      return .string(String(decoding: bytes, as: UTF8.self))
    },
    "sha256sum": text(1) { text in
      var hash = SHA256()
      hash.update(text[0])
      return hash.finish().description
    },
    "base": text(1) { Paths.parts($0[0]).last ?? ($0[0].isEmpty ? "." : "/") },
    "dir": text(1) { Paths.directory(of: $0[0]) },
    "ext": text(1) { text in
      let name = text[0].split(separator: "/", omittingEmptySubsequences: false).last ?? ""
      return name.lastIndex(of: ".").map { String(name[$0...]) } ?? ""
    },
    "clean": text(1) { path in
      let clean = Paths.absolute(path[0], in: "/")
      if path[0].hasPrefix("/") { return clean }
      return clean == "/" ? "." : String(clean.dropFirst())
    },
    "isAbs": Function(count: 1...1) { .bool($0[0].text.hasPrefix("/")) },
    "regexMatch": Function(count: 2...2) { values throws(Problem) in
      guard values[1].text.utf8.count <= EnvTemplate.longest else {
        throw wrong("regexMatch", .string("a long text"), "at most \(EnvTemplate.longest) bytes")
      }
      return .bool(try expression("regexMatch", values[0]).matches(values[1].text))
    },
    "regexFind": Function(count: 2...2) { values throws(Problem) in
      let text = try characters("regexFind", values[1])
      let found = try occurrences("regexFind", values[0], text).first
      return .string(found.map { String(text[$0]) } ?? "")
    },
    "regexReplaceAll": Function(count: 3...3) { values throws(Problem) in
      guard !values[2].text.contains("$") else { throw wrong("regexReplaceAll", values[2], "a text without $") }
      return try replaced("regexReplaceAll", values)
    },
    "regexReplaceAllLiteral": Function(count: 3...3) { values throws(Problem) in
      try replaced("regexReplaceAllLiteral", values)
    },
    "randAlphaNum": Function(count: 1...1) {
      random($0[0], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    },
    "randAlpha": Function(count: 1...1) { random($0[0], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") },
    "randNumeric": Function(count: 1...1) { random($0[0], "0123456789") },
  ]

  private static func random(_ count: Value, _ alphabet: String) -> Value {
    let letters = Array(alphabet)
    let count = min(max(0, count.int), 1000)
    return .string(String((0..<count).map { _ in letters[Int.random(in: 0..<letters.count)] }))
  }

  private static func words(_ text: String, _ change: (Substring) -> String) -> String {
    var result = ""
    var rest = Substring(text)
    while !rest.isEmpty {
      let space = rest.prefix { $0.isWhitespace }
      rest = rest.dropFirst(space.count)
      let word = rest.prefix { !$0.isWhitespace }
      rest = rest.dropFirst(word.count)
      result += space + change(word)
    }
    return result
  }

  private static func capitalized(_ text: String) -> String {
    words(text) { $0.prefix(1).uppercased() + $0.dropFirst() }
  }

  private static func trimmed(_ text: String, _ characters: String) -> String {
    var rest = text.drop { characters.contains($0) }
    while let last = rest.last, characters.contains(last) { rest.removeLast() }
    return String(rest)
  }

  private static func indented(_ values: [Value]) throws(Problem) -> String {
    let count = Int(clamping: max(0, values[0].int))
    // By bytes, as Go does: a carriage return stays.
    let lines = values[1].text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard count <= EnvTemplate.longest / max(1, lines.count) else { throw tooLong("indent") }
    let pad = String(repeating: " ", count: count)
    return lines.map { pad + String(Substring($0)) }.joined(separator: "\n")
  }

  /// `HTTPServer name` becomes `http_server_name`.
  private static func separated(_ text: String, _ separator: String) -> String {
    var result = ""
    let letters = Array(text)
    for (index, letter) in letters.enumerated() {
      if "_- .".contains(letter) {
        if !result.isEmpty, !result.hasSuffix(separator) { result += separator }
        continue
      }
      let before = index > 0 ? letters[index - 1] : " "
      let after = index + 1 < letters.count ? letters[index + 1] : " "
      let begins =
        letter.isUppercase && (before.isLowercase || before.isNumber || before.isUppercase && after.isLowercase)
      if begins, !result.isEmpty, !result.hasSuffix(separator) { result += separator }
      result += letter.lowercased()
    }
    return result
  }

  /// Returns lines of words.
  private static func wrapped(_ text: String, _ width: Int) -> [String] {
    var lines: [String] = []
    var length = 0
    for word in text.split(whereSeparator: \.isWhitespace) {
      let count = word.count
      if !lines.isEmpty, length + 1 + count <= width {
        lines[lines.count - 1] += " " + word
        length += 1 + count
      } else {
        lines.append(String(word))
        length = count
      }
    }
    return lines
  }

  // MARK: Regular expressions

  /// In characters, of four bytes at most on average: each part of the text is tried.
  private static let longestSearched = 500

  private static func expression(_ name: String, _ pattern: Value) throws(Problem) -> Inputs.Expression {
    guard let expression = Inputs.Expression(pattern.text) else {
      throw wrong(name, pattern, "a regular expression without flags, \\b and Unicode classes")
    }
    return expression
  }

  private static func characters(_ name: String, _ value: Value) throws(Problem) -> [Character] {
    guard value.text.utf8.count <= EnvTemplate.longest else {
      throw wrong(name, .string("a long text"), "at most \(longestSearched) characters")
    }
    return Array(value.text)
  }

  /// Returns where the expression matches: from the left, the longest each time.
  private static func occurrences(_ name: String, _ pattern: Value, _ text: [Character]) throws(Problem) -> [Range<Int>]
  {
    guard text.count <= longestSearched, text.reduce(0, { $0 + $1.utf8.count }) <= 4 * longestSearched else {
      throw wrong(name, .string("\(text.count) characters"), "at most \(longestSearched)")
    }
    let whole = try expression(name, .string("^(" + pattern.text + ")$"))
    let some = try expression(name, pattern)
    var found: [Range<Int>] = []
    var start = 0
    while start <= text.count, some.matches(String(text[start...])) {
      let ends = (start...text.count).reversed()
      guard let end = ends.first(where: { whole.matches(String(text[start..<$0])) }), end > start else {
        start += 1
        continue
      }
      found.append(start..<end)
      start = end
    }
    return found
  }

  private static func replaced(_ name: String, _ values: [Value]) throws(Problem) -> Value {
    let text = try characters(name, values[1])
    var result = ""
    var place = 0
    for range in try occurrences(name, values[0], text) {
      result += String(text[place..<range.lowerBound]) + values[2].text
      place = range.upperBound
      guard result.utf8.count <= EnvTemplate.longest else { throw tooLong(name) }
    }
    return .string(result + String(text[place...]))
  }
}
