// The text of rules, on the wire and in claims: one condition a line, an empty line between two rules.
//
//     header x-devtunnel=alice
//     path /api/*
//
// "copy *" makes a rule one for copies.
//
// Equal rules have equal texts. In a name, "=" is `\=`; a line break is `\n` anywhere.

extension Condition {
  /// Reads a line, without its break; nil if it is no condition.
  public init?(text: [UInt8]) {
    var space = 0
    while space < text.count, text[space] != 32 { space += 1 }
    guard space + 1 < text.count, let subject = Subject(word: text[..<space]) else { return nil }
    var name: [UInt8] = []
    var index = space + 1
    var hasValue = !subject.hasName
    while subject.hasName, index < text.count, !hasValue {
      let byte = text[index]
      index += 1
      if byte == 0x3d {
        hasValue = true
      } else if byte == 0x5c {
        guard index < text.count, let plain = Self.unescaped(text[index], in: true) else { return nil }
        name.append(plain)
        index += 1
      } else {
        name.append(byte)
      }
    }
    guard subject.hasName != name.isEmpty else { return nil }
    guard hasValue else {
      self.init(subject, name: name, value: nil)
      return
    }
    guard let value = Self.pattern(text[index...]) else { return nil }
    self.init(subject, name: name, value: value)
  }

  /// The line that `init` reads.
  public var text: [UInt8] {
    var text: [UInt8] = []
    let word = subject.word
    for index in 0..<word.utf8CodeUnitCount { text.append(word.utf8Start[index]) }
    text.append(32)
    for byte in name {
      switch byte {
      case 0x3d, 0x5c: text.append(contentsOf: [0x5c, byte])
      case 10: text.append(contentsOf: [0x5c, 0x6e])
      default: text.append(byte)
      }
    }
    guard let value else { return text }
    if subject.hasName { text.append(0x3d) }
    for byte in value.text { if byte == 10 { text.append(contentsOf: [0x5c, 0x6e]) } else { text.append(byte) } }
    return text
  }

  private static func unescaped(_ byte: UInt8, in name: Bool) -> UInt8? {
    switch byte {
    case 0x5c: 0x5c
    case 0x6e: 10
    case 0x3d: name ? 0x3d : nil
    default: nil
    }
  }

  /// Reads a pattern in which `\n` is a line break.
  private static func pattern(_ text: ArraySlice<UInt8>) -> TextPattern? {
    var plain: [UInt8] = []
    var isEscaped = false
    for byte in text {
      if isEscaped, byte == 0x6e { plain[plain.count - 1] = 10 } else { plain.append(byte) }
      isEscaped = byte == 0x5c && !isEscaped
    }
    return TextPattern(plain)
  }
}

extension Condition.Subject {
  fileprivate init?(word: ArraySlice<UInt8>) {
    for subject in [Self.header, .baggage, .cookie, .query, .path, .method, .sni, .copy] {
      let own = subject.word
      guard own.utf8CodeUnitCount == word.count else { continue }
      var isEqual = true
      for (index, byte) in word.enumerated() where own.utf8Start[index] != byte { isEqual = false }
      if isEqual {
        self = subject
        return
      }
    }
    return nil
  }
}

extension RequestRule {
  /// Reads lines; nil if one of them is no condition, or if there are none or too many.
  public init?(text: [UInt8]) {
    var conditions: [Condition] = []
    for line in text.split(separator: 10, omittingEmptySubsequences: false) {
      guard conditions.count < Self.mostConditions, let condition = Condition(text: Array(line)) else { return nil }
      conditions.append(condition)
    }
    self.init(conditions)
  }

  public var text: [UInt8] {
    var text: [UInt8] = []
    for condition in conditions {
      if !text.isEmpty { text.append(10) }
      text.append(contentsOf: condition.text)
    }
    return text
  }
}

extension RuleSet {
  /// Reads rules; nil if one of them cannot be read, or if there are none, or more than allowed.
  public init?(text: [UInt8]) {
    guard !text.isEmpty, text.count <= Self.mostText else { return nil }
    var rules: [RequestRule] = []
    var start = 0
    while start <= text.count {
      var end = start
      while end < text.count, !(text[end] == 10 && end + 1 < text.count && text[end + 1] == 10) { end += 1 }
      guard rules.count < Self.mostRules, let rule = RequestRule(text: Array(text[start..<end])) else { return nil }
      rules.append(rule)
      start = end < text.count ? end + 2 : end + 1
    }
    self.init(rules)
  }

  public var text: [UInt8] {
    var text: [UInt8] = []
    for rule in rules {
      if !text.isEmpty { text.append(contentsOf: [10, 10]) }
      text.append(contentsOf: rule.text)
    }
    return text
  }
}
