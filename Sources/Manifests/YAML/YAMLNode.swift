import KubeObjects

/// A value in a YAML document, with its position for messages.
public struct YAMLNode: Sendable {
  public enum Kind: String, Sendable, Hashable { case null, scalar, sequence, mapping }

  /// The node's value. Aliases are followed and merge keys (`<<`) merged when the text is read.
  public enum Content: Sendable {
    /// Only a plain scalar can be anything but a string.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([Member])
  }

  /// A key of a mapping with its value.
  public struct Member: Sendable {
    public var key: String
    /// The position of the key.
    public var position: SourcePosition
    public var value: YAMLNode

    public init(key: String, position: SourcePosition, value: YAMLNode) {
      self.key = key
      self.position = position
      self.value = value
    }
  }

  public var content: Content
  public var position: SourcePosition
  private let place: YAMLPath
  /// From the document's root: `build.artifacts[0].docker`; empty for the root.
  public var path: String { place.text }

  public init(_ content: Content, position: SourcePosition, path: String) {
    self.init(content, position: position, path: YAMLPath(text: path))
  }

  init(_ content: Content, position: SourcePosition, path: YAMLPath) {
    self.content = content
    self.position = position
    place = path
  }

  public var kind: Kind {
    switch content {
    case .mapping: .mapping
    case .sequence: .sequence
    case .scalar(let text, let isPlain): isPlain && YAMLScalar.isNull(text) ? .null : .scalar
    }
  }

  public var isNull: Bool { kind == .null }
}
