/// A value of a YAML text as it is written: aliases refer to the value that they name, merge keys stay.
public final class YAMLValue: Sendable {
  public enum Content: Sendable {
    case scalar(String, isPlain: Bool)
    case sequence([YAMLValue])
    case mapping([Entry])
  }

  /// A key with its value.
  public struct Entry: Sendable {
    public let key: String
    /// True if the key is written without quotes.
    public let isPlain: Bool
    public let mark: YAMLMark
    public let value: YAMLValue
    /// The last place of the key in this mapping: that one counts, as for kubectl. nil for the one that counts.
    public let last: YAMLMark?
  }

  public let content: Content
  public let mark: YAMLMark
  /// The tag in its long form: `!!str` is `tag:yaml.org,2002:str`; nil if there is none.
  public let tag: String?
  /// The number of values if each alias is a copy, this one included.
  let size: Int
  /// The depth of nested values, this one included.
  let height: Int
  /// The bytes of its scalars and keys if each alias is a copy.
  let bytes: Int

  init(_ content: Content, mark: YAMLMark, tag: String?) {
    self.content = content
    self.mark = mark
    self.tag = tag
    var (size, height, bytes) = (1, 0, 0)
    func add(_ value: YAMLValue) {
      size = Self.sum(size, value.size)
      bytes = Self.sum(bytes, value.bytes)
      height = max(height, value.height)
    }
    switch content {
    case .scalar(let text, _): bytes = text.utf8.count
    case .sequence(let elements): elements.forEach(add)
    case .mapping(let entries):
      for entry in entries {
        bytes = Self.sum(bytes, entry.key.utf8.count)
        add(entry.value)
      }
    }
    self.size = size
    self.bytes = bytes
    self.height = height + 1
  }

  /// Returns the sum of two counts, or the greatest number.
  static func sum(_ left: Int, _ right: Int) -> Int {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
  }
}

/// A place in a text; both numbers count from 1.
public struct YAMLMark: Sendable, Hashable {
  public let line: Int
  /// In characters.
  public let column: Int
}

/// The reason that a text is not read.
public struct YAMLProblem: Error, Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// The text is not YAML.
    case syntax
    /// The bytes are not text.
    case encoding
    /// The text asks for more than a limit allows, or for something unsupported.
    case refused
  }

  public let kind: Kind
  public let message: String
  public let line: Int
  public let column: Int?
  /// The action to take; nil if the message says it.
  public let remedy: String?

  init(_ kind: Kind, _ message: String, at mark: YAMLMark, remedy: String? = nil) {
    self.kind = kind
    self.message = message
    line = mark.line
    column = mark.column
    self.remedy = remedy
  }
}
