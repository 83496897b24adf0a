/// The text form, as in `kubectl get -l` and the query `labelSelector`: `app=user,tier in (web,api),!canary`.
extension LabelSelector: CustomStringConvertible {
  public var description: String {
    requirements.map { requirement in
      switch requirement.operator {
      case .in where requirement.values.count == 1: "\(requirement.key)=\(requirement.values[0])"
      case .notIn where requirement.values.count == 1: "\(requirement.key)!=\(requirement.values[0])"
      case .in: "\(requirement.key) in (\(requirement.values.joined(separator: ",")))"
      case .notIn: "\(requirement.key) notin (\(requirement.values.joined(separator: ",")))"
      case .exists: requirement.key
      case .doesNotExist: "!\(requirement.key)"
      }
    }.joined(separator: ",")
  }

  /// Reads the text form.
  /// - Throws: `ParseError` with the part that cannot be read.
  public init(parsing text: String) throws(ParseError) {
    self.init()
    for part in try Self.parts(of: text) { requirements.append(try Self.requirement(part)) }
  }

  /// Splits at the commas outside of parentheses.
  private static func parts(of text: String) throws(ParseError) -> [String] {
    var parts: [String] = []
    var part = ""
    var inside = false
    for character in text {
      switch character {
      case "(" where !inside, ")" where inside:
        inside.toggle()
        part.append(character)
      case "(", ")": throw ParseError(message: "the parentheses of the label selector '\(text)' do not match")
      case "," where !inside:
        parts.append(part.trimmed)
        part = ""
      default: part.append(character)
      }
    }
    guard !inside else { throw ParseError(message: "the label selector '\(text)' lacks a closing parenthesis") }
    if !part.trimmed.isEmpty || !parts.isEmpty { parts.append(part.trimmed) }
    return parts
  }

  private static func requirement(_ part: String) throws(ParseError) -> Requirement {
    if part.last == ")", let open = part.firstIndex(of: "(") {
      let words = part[..<open].split(separator: " ")
      let values = part[part.index(after: open)...].dropLast().split(separator: ",", omittingEmptySubsequences: false)
        .map { String($0).trimmed }
      guard words.count == 2, let set: Operator = words[1] == "in" ? .in : words[1] == "notin" ? .notIn : nil else {
        throw ParseError(message: "'\(part)' in a label selector is not 'key in (a,b)' or 'key notin (a,b)'")
      }
      return try checked(String(words[0]), set, values, part)
    }
    if part.first == "!", !part.contains("=") {
      return try checked(String(part.dropFirst()).trimmed, .doesNotExist, [], part)
    }
    guard let sign = part.firstIndex(of: "=") else { return try checked(part, .exists, [], part) }
    let value = part[part.index(after: sign)...]
    let key = part[..<sign]
    if key.last == "!" { return try checked(String(key.dropLast()).trimmed, .notIn, [String(value).trimmed], part) }
    let plain = value.first == "=" ? value.dropFirst() : value
    return try checked(String(key).trimmed, .in, [String(plain).trimmed], part)
  }

  /// Keys and values hold letters, digits, '-', '_' and '.'; keys a slash too (Kubernetes documentation, "Labels and
  /// Selectors").
  private static func checked(_ key: String, _ sign: Operator, _ values: [String], _ part: String) throws(ParseError)
    -> Requirement
  {
    let allowed: (Character) -> Bool = { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    guard !key.isEmpty, key.allSatisfy({ allowed($0) || $0 == "/" }), values.allSatisfy({ $0.allSatisfy(allowed) })
    else {
      throw ParseError(
        message: "'\(part)' in a label selector has an empty key, or a character that labels cannot have")
    }
    return Requirement(key, sign, values)
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
