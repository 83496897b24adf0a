/// A value of a YAML text, as it is written there: aliases lead to the value that they name, merge keys stay.
public final class YAMLValue: Sendable {
  public enum Content: Sendable {
    case scalar(String, isPlain: Bool)
    case sequence([YAMLValue])
    case mapping([Entry])
  }

  /// A key with its value.
  public struct Entry: Sendable {
    public let key: String
    /// The key is written without quotes.
    public let isPlain: Bool
    public let mark: YAMLMark
    public let value: YAMLValue
    /// Where the key stands again in this mapping: that one counts, as it does for kubectl. nil for the one that
    /// counts.
    public let last: YAMLMark?
  }

  public let content: Content
  public let mark: YAMLMark
  /// As it is written: `!!str` is `tag:yaml.org,2002:str`; nil if none stands.
  public let tag: String?
  /// How many values there are when each alias is a copy, this one included.
  let size: Int
  /// How many values lie within each other.
  let height: Int

  init(_ content: Content, mark: YAMLMark, tag: String?) {
    self.content = content
    self.mark = mark
    self.tag = tag
    var (size, height) = (1, 0)
    func add(_ value: YAMLValue) {
      let sum = size.addingReportingOverflow(value.size)
      size = sum.overflow ? .max : sum.partialValue
      height = max(height, value.height)
    }
    switch content {
    case .scalar: break
    case .sequence(let elements): elements.forEach(add)
    case .mapping(let entries): entries.forEach { add($0.value) }
    }
    self.size = size
    self.height = height + 1
  }
}

/// A place in a text; both numbers count from 1.
public struct YAMLMark: Sendable, Hashable {
  public let line: Int
  /// In characters.
  public let column: Int
}

/// Why a text is not read.
public struct YAMLProblem: Error, Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// The text is no YAML.
    case syntax
    /// Bytes that are no text.
    case encoding
    /// The text asks for more than a limit allows, or for what is not supported.
    case refused
  }

  public let kind: Kind
  public let message: String
  public let line: Int
  public let column: Int?
  /// What to do; nil if the message says it.
  public let remedy: String?

  init(_ kind: Kind, _ message: String, at mark: YAMLMark, remedy: String? = nil) {
    self.kind = kind
    self.message = message
    line = mark.line
    column = mark.column
    self.remedy = remedy
  }
}
