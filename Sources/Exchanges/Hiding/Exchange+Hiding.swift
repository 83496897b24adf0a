extension Exchange {
  /// Returns the exchange with `***` in place of all that looks like a secret: credentials, cookies' values, and the
  /// values of names such as `token` in fields, queries and bodies (JSON and forms). A compressed body of these kinds
  /// is left out, since nobody has looked into it.
  public func hidingSecrets() -> Exchange {
    var copy = self
    copy.request.target = HiddenText.url(request.target)
    if let at = request.authority.lastIndex(of: "@") {
      copy.request.authority = hiddenText + request.authority[at...]
    }
    copy.request.fields = request.fields.map(HiddenText.field)
    copy.request.body = HiddenBody.hide(request.body, request.fields)
    guard let answer else { return copy }
    copy.answer?.fields = answer.fields.map(HiddenText.field)
    copy.answer?.trailers = answer.trailers.map(HiddenText.field)
    copy.answer?.body = HiddenBody.hide(answer.body, answer.fields)
    return copy
  }
}

enum HiddenText {
  private static let urls: Set<String> = [
    "location", "content-location", "referer", "refresh", "link", "x-forwarded-uri", "x-original-uri",
    "x-original-url", "x-rewrite-url", "x-envoy-original-path",
  ]
  /// Their names stay: they say how somebody logs in.
  private static let schemes: Set<String> = ["basic", "bearer", "digest", "negotiate", "ntlm", "aws4-hmac-sha256"]

  static func field(_ field: Exchange.Field) -> Exchange.Field {
    let name = field.name.lowercased()
    switch name {
    case "authorization", "proxy-authorization": return Exchange.Field(field.name, credentials(field.value))
    case "cookie": return Exchange.Field(field.name, cookies(field.value))
    case "set-cookie": return Exchange.Field(field.name, setCookie(field.value))
    default: break
    }
    if SecretNames.look(name) { return Exchange.Field(field.name, hiddenText) }
    return urls.contains(name) ? Exchange.Field(field.name, url(field.value)) : field
  }

  /// `Bearer abc` → `Bearer ***`.
  private static func credentials(_ value: String) -> String {
    guard let space = value.firstIndex(of: " "), schemes.contains(value[..<space].lowercased()) else {
      return hiddenText
    }
    return "\(value[..<space]) \(hiddenText)"
  }

  /// `a=1; b=2` → `a=***; b=***`.
  private static func cookies(_ value: String) -> String {
    value.split(separator: ";", omittingEmptySubsequences: false).map(pair).joined(separator: ";")
  }

  /// `sid=1; Path=/` → `sid=***; Path=/`.
  private static func setCookie(_ value: String) -> String {
    var parts = value.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
    parts[0] = pair(parts[0])
    return parts.joined(separator: ";")
  }

  private static func pair(_ text: some StringProtocol) -> String {
    guard let equals = text.firstIndex(of: "=") else { return text.allSatisfy(\.isWhitespace) ? "\(text)" : hiddenText }
    return "\(text[..<equals])=\(hiddenText)"
  }

  /// Hides a password before the host, and the values of parameters with secret names.
  static func url(_ text: String) -> String {
    var text = text
    if let scheme = text.range(of: "://") {
      let rest = text[scheme.upperBound...]
      let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
      if let at = rest[..<end].lastIndex(of: "@") { text.replaceSubrange(scheme.upperBound..<at, with: hiddenText) }
    }
    guard let start = text.firstIndex(where: { $0 == "?" || $0 == "#" || $0 == ";" }) else { return text }
    return text[..<start] + parameters(text[start...])
  }

  /// `a=1&token=2` → `a=1&token=***`, with any of `?&;#` between parameters.
  static func parameters(_ text: some StringProtocol) -> String {
    var result = ""
    var part = ""
    func flush() {
      if let equals = part.firstIndex(of: "="), SecretNames.look(decoded(part[..<equals])) {
        result += part[..<equals] + "=" + hiddenText
      } else {
        result += part
      }
      part = ""
    }
    for character in text {
      if character == "&" || character == "?" || character == "#" || character == ";" {
        flush()
        result.append(character)
      } else {
        part.append(character)
      }
    }
    flush()
    return result
  }

  /// Decodes percent-encoded bytes and `+`.
  private static func decoded(_ text: Substring) -> String {
    guard text.contains("%") || text.contains("+") else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? 32 : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension StringProtocol {
  fileprivate func range(of text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
