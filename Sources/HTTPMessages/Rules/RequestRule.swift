/// A condition on a request.
public struct Condition: Hashable, Sendable {
  /// A part of the request's head.
  public enum Subject: UInt8, Hashable, Sendable, CaseIterable {
    /// A field by its name, in small letters.
    case header
    /// A member of the W3C's `baggage`, which instrumented services pass on.
    case baggage
    case cookie
    /// A parameter of the query, without its percent-encoding.
    case query
    /// The path without the query, as it was sent.
    case path
    case method
    /// The server's name in the ClientHello of a connection with TLS, whose requests nobody sees.
    case sni
    /// True of every request: the rule takes copies, and leaves the requests where they go.
    case copy

    /// The word in a rule's text.
    public var word: StaticString {
      switch self {
      case .header: "header"
      case .baggage: "baggage"
      case .cookie: "cookie"
      case .query: "query"
      case .path: "path"
      case .method: "method"
      case .sni: "sni"
      case .copy: "copy"
      }
    }

    public var hasName: Bool {
      switch self {
      case .header, .baggage, .cookie, .query: true
      case .path, .method, .sni, .copy: false
      }
    }
  }

  public let subject: Subject
  /// Empty for a subject without a name.
  public let name: [UInt8]
  /// The pattern of the value; nil if any value will do.
  public let value: TextPattern?

  /// - Parameter name: a header's capitals become small letters.
  public init(_ subject: Subject, name: [UInt8] = [], value: TextPattern?) {
    self.subject = subject
    var own: [UInt8] = []
    for byte in name { own.append(subject == .header ? byte.lowercased : byte) }
    self.name = own
    self.value = value
  }

  /// Checks the part of a head that the condition is about. One of several fields or members of the name is enough.
  public func matches(_ head: borrowing RequestHead) -> Bool {
    head.withBytes { bytes in
      switch subject {
      case .copy: return true
      case .method: return isMet(bytes, head.method)
      case .sni: return isMet(bytes, head.serverName)
      case .path: return isMet(bytes, head.path)
      case .header:
        if head.has(head.authority, isNamed: "host", name), isMet(bytes, head.authority) { return true }
        for field in head.fields where head.has(field.name, name) && isMet(bytes, field.value) { return true }
        return false
      case .cookie, .baggage:
        for field in head.fields where head.isNamed(field.name, subject.word) {
          let text = UnsafeRawBufferPointer(rebasing: bytes[field.value])
          if hasMember(text, separator: subject == .cookie ? 0x3b : 0x2c) { return true }
        }
        return false
      case .query: return hasMember(UnsafeRawBufferPointer(rebasing: bytes[head.query]), separator: 0x26)
      }
    }
  }

  private func isMet(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
    guard !range.isEmpty || subject == .header else { return false }
    return value?.matches(UnsafeRawBufferPointer(rebasing: bytes[range])) ?? true
  }

  /// Looks for `name=value` among members of a list.
  private func hasMember(_ list: UnsafeRawBufferPointer, separator: UInt8) -> Bool {
    var start = 0
    while start < list.count {
      var end = start
      while end < list.count, list[end] != separator { end += 1 }
      if isMet(member: UnsafeRawBufferPointer(rebasing: list[start..<end])) { return true }
      start = end + 1
    }
    return false
  }

  private func isMet(member: UnsafeRawBufferPointer) -> Bool {
    var end = member.count
    if subject == .baggage {
      // Properties follow the value (W3C Baggage, section 3.2).
      end = 0
      while end < member.count, member[end] != 0x3b { end += 1 }
    }
    var equals = 0
    while equals < end, member[equals] != 0x3d { equals += 1 }
    let isEncoded = subject == .query
    guard hasName(member, 0..<equals) else { return false }
    guard let value else { return true }
    let text = decoded(member, min(equals + 1, end)..<end, isQuery: isEncoded, isPlain: subject == .cookie)
    return text.withUnsafeBytes(value.matches)
  }

  /// Compares a member's name in place: a list may have thousands of members.
  private func hasName(_ member: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
    var start = range.lowerBound
    var end = range.upperBound
    if subject != .query {
      while start < end, member[start].isBlank { start += 1 }
      while start < end, member[end - 1].isBlank { end -= 1 }
    }
    // Encoding only makes a name longer.
    guard subject == .query ? end - start >= name.count : end - start == name.count else { return false }
    var isPlain = true
    for index in start..<end where member[index] == 0x25 || member[index] == 0x2b { isPlain = false }
    if subject == .query, !isPlain { return decoded(member, start..<end, isQuery: true, isPlain: false) == name }
    guard end - start == name.count else { return false }
    for index in 0..<name.count where member[start + index] != name[index] { return false }
    return true
  }

  /// Returns a part of a member without blanks around it and, unless it is plain, without percent-encoding.
  @inline(never) private func decoded(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, isQuery: Bool, isPlain: Bool
  ) -> [UInt8] {
    var start = range.lowerBound
    var end = range.upperBound
    if !isQuery {
      while start < end, bytes[start].isBlank { start += 1 }
      while start < end, bytes[end - 1].isBlank { end -= 1 }
    }
    var text: [UInt8] = []
    while start < end {
      if !isPlain, bytes[start] == 0x25, end - start > 2, let high = Self.digit(bytes[start + 1]),
        let low = Self.digit(bytes[start + 2])
      {
        text.append(high << 4 | low)
        start += 3
      } else {
        text.append(isQuery && bytes[start] == 0x2b ? 32 : bytes[start])
        start += 1
      }
    }
    return text
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
  }
}

extension RequestHead {
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { bytes.withUnsafeBytes(body) }

  @inline(never) func isNamed(_ range: Range<Int>, _ word: StaticString) -> Bool {
    guard range.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<range.count where bytes[range.lowerBound + index] != word.utf8Start[index] { return false }
    return true
  }

  /// Checks whether a part of the head exists, and `name` is its word.
  func has(_ range: Range<Int>, isNamed word: StaticString, _ name: [UInt8]) -> Bool {
    guard !range.isEmpty, name.count == word.utf8CodeUnitCount else { return false }
    for index in name.indices where name[index] != word.utf8Start[index] { return false }
    return true
  }
}

/// Conditions that must all hold.
public struct RequestRule: Hashable, Sendable {
  /// Sorted by their texts, each once.
  public let conditions: [Condition]
  /// The rank among rules that a request meets: the one with more conditions wins, then the one with more exact values,
  /// then the one with the longer texts. Equal ones are left to the older claim.
  public let strictness: Strictness
  /// True if the requests go where they would go without the rule, and its owner gets copies.
  public let isCopy: Bool
  public static let mostConditions = 32

  public init(_ conditions: [Condition]) {
    var sorted: [(text: [UInt8], condition: Condition)] = []
    for condition in conditions {
      let text = condition.text
      var index = sorted.count
      while index > 0, text.precedes(sorted[index - 1].text) { index -= 1 }
      guard index == 0 || sorted[index - 1].text != text else { continue }
      sorted.insert((text, condition), at: index)
    }
    var own: [Condition] = []
    var strictness = Strictness(conditions: sorted.count)
    var isCopy = false
    for (_, condition) in sorted {
      own.append(condition)
      if condition.subject == .copy { isCopy = true }
      guard let value = condition.value else { continue }
      if value.isExact { strictness.exact += 1 }
      strictness.size += value.literalSize
    }
    self.conditions = own
    self.isCopy = isCopy
    self.strictness = strictness
  }

  public func matches(_ head: borrowing RequestHead) -> Bool {
    for condition in conditions where !condition.matches(head) { return false }
    return !conditions.isEmpty
  }
}

/// An order of rules. A stricter one is greater.
public struct Strictness: Comparable, Hashable, Sendable {
  var conditions: Int
  var exact = 0
  var size = 0

  public static func < (one: Self, other: Self) -> Bool {
    if one.conditions != other.conditions { return one.conditions < other.conditions }
    if one.exact != other.exact { return one.exact < other.exact }
    return one.size < other.size
  }
}

/// The rules of one intercept. A request that meets any of them is the intercept's.
public struct RuleSet: Hashable, Sendable {
  /// Sorted by their texts, each once.
  public let rules: [RequestRule]
  public static let mostRules = 64
  /// Bytes of the text.
  public static let mostText = 16 << 10

  public init(_ rules: [RequestRule]) {
    var sorted: [(text: [UInt8], rule: RequestRule)] = []
    for rule in rules where !rule.conditions.isEmpty {
      let text = rule.text
      var index = sorted.count
      while index > 0, text.precedes(sorted[index - 1].text) { index -= 1 }
      guard index == 0 || sorted[index - 1].text != text else { continue }
      sorted.insert((text, rule), at: index)
    }
    var own: [RequestRule] = []
    for one in sorted { own.append(one.rule) }
    self.rules = own
  }

  /// Checks whether a copy of the request is wanted.
  public func wantsCopy(_ head: borrowing RequestHead) -> Bool {
    guard head.isModest else { return wantsAllCopies }
    for rule in rules where rule.isCopy && rule.matches(head) { return true }
    return false
  }

  /// True if copies of all that comes are wanted, of other protocols as well.
  public var wantsAllCopies: Bool {
    for rule in rules where rule.isCopy && rule.conditions.count == 1 { return true }
    return false
  }

  /// True if there is a rule for copies.
  public var hasCopies: Bool {
    for rule in rules where rule.isCopy { return true }
    return false
  }

  /// Returns the strictness of the strictest rule by which the request is taken; nil if it meets none.
  public func match(_ head: borrowing RequestHead) -> Strictness? {
    guard head.isModest else { return nil }
    var best: Strictness?
    for rule in rules where !rule.isCopy && rule.matches(head) {
      if let former = best, rule.strictness <= former { continue }
      best = rule.strictness
    }
    return best
  }
}

extension [UInt8] {
  /// Compares byte by byte, as strcmp(3) does.
  func precedes(_ other: [UInt8]) -> Bool {
    for index in 0..<Swift.min(count, other.count) where self[index] != other[index] {
      return self[index] < other[index]
    }
    return count < other.count
  }
}
