/// An image in a builder's store.
public struct BuiltImage: Sendable, Hashable {
  /// The name in the artifact and the manifests, without a tag: `artifact.image`.
  public var name: String
  /// The destination: the name, or its form for a default repository (`artifact.repository`).
  public var repository: String {
    get { moved ?? name }
    set { moved = newValue }
  }
  private var moved: String?
  /// `name:tag` from the tag policy; the store knows the image by it.
  public var tag: String
  /// The configuration's digest, `sha256:` and 64 hexadecimal digits: it changes when, and only when, the image does.
  public var id: String
  /// The store it is in. An artifact's own command may use another one than Dockerfiles do.
  public var store: BuilderStore
  /// `name@digest` in a registry, if the artifact's own command has pushed it.
  public var pushed: String?
  /// True if nothing had changed since the last build: no builder ran.
  public var isFromCache: Bool
  public var duration: Duration

  public init(
    name: String, repository: String? = nil, tag: String, id: String, store: BuilderStore, pushed: String? = nil,
    isFromCache: Bool, duration: Duration
  ) {
    self.name = name
    moved = repository
    self.tag = tag
    self.id = id
    self.store = store
    self.pushed = pushed
    self.isFromCache = isFromCache
    self.duration = duration
  }

  /// A tag that no other image ever gets: `devtunnel-` and 12 digits of the id. With it a Pod changes
  /// when its image does, even under `:latest`.
  public var immutableTag: String { "devtunnel-" + id.drop(while: { $0 != ":" }).dropFirst().prefix(12) }
}
