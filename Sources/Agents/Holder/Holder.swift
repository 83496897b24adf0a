import KubeObjects

/// Who holds something in a cluster: a name for people, and the id of an installation, which tells two of one name
/// apart (`root@localhost` is many).
///
/// Neither is authenticated: both are what the client says.
public struct Holder: Sendable, Hashable {
  /// `alice@laptop`.
  public let name: String
  /// Of `InstallationID`; nil where a version that had none has written it.
  public let installation: String?

  public init(name: String, installation: String?) {
    self.name = name
    self.installation = installation
  }

  /// Reads a Lease's `holderIdentity`: a name, and behind the last `_` an id, as Kubernetes' own leader election writes
  /// them.
  public init(identity: String) {
    if let mark = identity.lastIndex(of: "_"), mark > identity.startIndex,
      case let id = String(identity[identity.index(after: mark)...]),
      InstallationID.isID(id)
    {
      self.init(name: String(identity[..<mark]), installation: id)
    } else {
      self.init(name: identity, installation: nil)
    }
  }

  /// Reads whose one of our objects is; nil where it does not say.
  public init?(of object: JSONValue) {
    guard let name = object.annotations[AgentNames.holderAnnotation], !name.isEmpty else { return nil }
    self.init(name: name, installation: object.annotations[AgentNames.installationAnnotation])
  }

  public var identity: String { installation.map { "\(name)_\($0)" } ?? name }

  /// Whether this is the holder who looks, or may be: a name alone is ours where our journal names what it holds.
  public func isSame(as own: Holder, inJournal: Bool) -> Bool {
    self == own || inJournal && installation == nil && name == own.name
  }

  /// The name, with a word where it is the reader's own.
  public func told(to reader: Holder) -> String {
    name == reader.name && self != reader ? "\(shown) (another installation of that name)" : shown
  }

  /// A foreign name has no bounds.
  private var shown: String { name.count <= 128 ? name : name.prefix(127) + "…" }
}

extension Holder: CustomStringConvertible {
  public var description: String { shown }
}

extension Holder: ExpressibleByStringLiteral {
  public init(stringLiteral identity: String) { self.init(identity: identity) }
}
