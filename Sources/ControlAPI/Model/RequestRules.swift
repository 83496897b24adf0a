import HTTPMessages

/// The requests that a personal intercept, or a mirror, takes: those that meet any of its rules. As JSON: for each rule
/// its conditions, such as `header x-devtunnel=alice`, in the form of docs/protocol.md.
public struct RequestRules: Sendable, Hashable {
  /// At least one, sorted.
  public let ruleSet: RuleSet

  /// Takes rules that keep the limits of a session.
  public init(_ rules: [RequestRule]) throws(ControlError) {
    let all = RuleSet(rules)
    guard !all.rules.isEmpty, let ruleSet = RuleSet(text: all.text) else {
      throw ControlError(
        .badInput,
        all.rules.isEmpty
          ? "an intercept's rules have no condition" : "the rules of this intercept are too many, or too long",
        remedy: "There may be \(RuleSet.mostRules) rules of \(RequestRule.mostConditions) conditions, and "
          + "\(RuleSet.mostText) bytes in all.")
    }
    self.ruleSet = ruleSet
  }

  /// Takes the texts of rules, which anyone may have written. Those that are no rules are left out; nil if none is one.
  public init?(texts: some Sequence<String>) {
    let rules = texts.prefix(RuleSet.mostRules).compactMap { RequestRule(text: Array($0.utf8)) }
    guard let rules = try? RequestRules(rules) else { return nil }
    self = rules
  }

  /// The text of each rule.
  public var texts: Set<String> { Set(ruleSet.rules.map { String(decoding: $0.text, as: UTF8.self) }) }

  /// The conditions of each rule.
  public var conditions: [[String]] {
    ruleSet.rules.map { $0.conditions.map { String(decoding: $0.text, as: UTF8.self) } }
  }
}

extension RequestRules: Codable {
  public init(from decoder: any Decoder) throws {
    let conditions = try decoder.singleValueContainer().decode([[String]].self)
    try self.init(
      conditions.map { lines throws(ControlError) in
        guard let rule = RequestRule(text: Array(lines.joined(separator: "\n").utf8)) else {
          throw ControlError(.badInput, "\(lines) are no conditions of a rule")
        }
        return rule
      })
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(conditions)
  }
}

extension RequestRules: CustomStringConvertible {
  /// `requests with header x-devtunnel: alice, or with baggage devtunnel=alice`, `copies of all that arrives`.
  public var description: String {
    let (copies, others) = (ruleSet.rules.filter(\.isCopy), ruleSet.rules.filter { !$0.isCopy })
    var parts: [String] = []
    if !others.isEmpty { parts.append("requests with " + Self.summary(others)) }
    if wantsAllCopies {
      parts.append("copies of all that arrives")
    } else if !copies.isEmpty {
      parts.append("copies of requests with " + Self.summary(copies))
    }
    return parts.joined(separator: ", and ")
  }

  /// `header x-devtunnel: alice, or with baggage devtunnel=alice`.
  public var summary: String { Self.summary(ruleSet.rules) }

  private static func summary(_ rules: [RequestRule]) -> String {
    rules.map(\.summary).joined(separator: ", or with ")
  }
}

extension RequestRules {
  private static let copy = Condition(.copy, value: TextPattern([0x2a]))

  /// Copies of all that arrives.
  public static var mirror: RequestRules? { try? RequestRules([RequestRule([copy])]) }
  /// Copies of these requests; nil if the rules become too many, or too long.
  public var mirrored: RequestRules? {
    try? RequestRules(ruleSet.rules.map { RequestRule([Self.copy] + $0.conditions) })
  }

  /// True if they take copies only, and leave each request where it goes.
  public var isMirror: Bool { ruleSet.rules.allSatisfy(\.isCopy) }
  /// True if they take a copy of all that arrives, requests or not.
  public var wantsAllCopies: Bool { ruleSet.wantsAllCopies }
}

extension RequestRule {
  /// `header x-devtunnel: alice and method GET`.
  public var summary: String {
    let own = conditions.filter { $0.subject != .copy }
    return own.isEmpty ? "anything" : own.map(\.summary).joined(separator: " and ")
  }
}

extension Condition {
  fileprivate var summary: String {
    var words = String(describing: subject.word) + " " + String(decoding: name, as: UTF8.self)
    if let value {
      words += subject == .header ? ": " : subject.hasName ? "=" : ""
      words += String(decoding: value.text, as: UTF8.self)
    }
    // Anyone may have written it into the claims.
    return words.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\\n")
  }
}
