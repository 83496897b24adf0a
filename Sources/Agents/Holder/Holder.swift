import KubeObjects

/// The holder of something in a cluster: a name for people, and an installation's id, which distinguishes two holders
/// of one name (`root@localhost` is many).
///
/// Neither is authenticated: both are the client's own claim.
public struct Holder: Sendable, Hashable {
  /// `alice@laptop`.
  public let name: String
  /// An `InstallationID`; nil if a version without ids wrote it.
  public let installation: String?

  public init(name: String, installation: String?) {
    self.name = name
    self.installation = installation
  }

  /// Reads a Lease's `holderIdentity`: a name, then an id after the last `_`, as Kubernetes' own leader election writes
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

  /// Reads the holder of one of our objects; nil if it names none.
  public init?(of object: JSONValue) {
    guard let name = object.annotations[AgentNames.holderAnnotation], !name.isEmpty else { return nil }
    self.init(name: name, installation: object.annotations[AgentNames.installationAnnotation])
  }

  /// The text for a Lease's `holderIdentity`.
  public var identity: String { installation.map { "\(name)_\($0)" } ?? name }

  /// A number for the identity (FNV-1a, 64 bits), by which an agent knows a holder's sessions; never 0.
  public var number: UInt64 {
    var hash: UInt64 = 14_695_981_039_346_656_037
    for byte in identity.utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
    return max(hash, 1)
  }

  /// Checks whether this is our own holder, or may be: a name without an id is ours if our journal names what it holds.
  public func isSame(as own: Holder, inJournal: Bool) -> Bool {
    self == own || inJournal && installation == nil && name == own.name
  }

  /// Returns the name, with a note if it is the reader's name but another installation.
  public func told(to reader: Holder) -> String {
    name == reader.name && self != reader ? "\(shown) (another installation of that name)" : shown
  }

  /// A foreign name may have any length.
  private var shown: String { name.count <= 128 ? name : name.prefix(127) + "…" }
}

extension Holder: CustomStringConvertible {
  public var description: String { shown }
}

extension Holder: ExpressibleByStringLiteral {
  public init(stringLiteral identity: String) { self.init(identity: identity) }
}
