import Manifests

/// A demand of manifests beyond the files of their repository. The user has to allow it: rendering alone runs nothing
/// that a repository brings, reads nothing else and reaches no network.
public struct Demand: Sendable, Hashable {
  /// The identity of the demand: `--enable-helm`, `outside /srv/base`, `network https://…`.
  public var key: String
  /// For the user: `the option --enable-helm: kustomize would run helm`.
  public var text: String
  public var position: SourcePosition?
  /// The repository whose manifests ask for it.
  public var root: String

  public init(key: String, text: String, position: SourcePosition? = nil, root: String) {
    self.key = key
    self.text = text
    self.position = position
    self.root = root
  }

  static func outside(_ path: String, _ root: String, _ position: SourcePosition?) -> Demand {
    Demand(key: "outside \(path)", text: "\(path) is outside of the repository \(root)", position: position, root: root)
  }

  static func network(_ place: String, _ root: String, _ position: SourcePosition?) -> Demand {
    Demand(key: "network \(place)", text: "\(place) comes from the network", position: position, root: root)
  }

  static func plugins(_ field: String, _ root: String, _ position: SourcePosition?) -> Demand {
    Demand(
      key: "plugins \(position?.file ?? "") \(field)", text: "the plugins that '\(field)' names may read any file",
      position: position, root: root)
  }

  var refusal: Diagnostic {
    Diagnostic(
      .error, text, at: position,
      remedy: """
        leave it out, or use --trust if you trust \(root), now and later: watch, dev and deploy remember it for this \
        path, not for what its files say
        """)
  }
}

/// The demands that the user allows.
public struct Trust: Sendable, Hashable {
  /// `--trust`.
  public var isEverything: Bool
  /// Keys of demands that were allowed before, by the repository's root.
  public var known: [String: Set<String>]

  public init(isEverything: Bool = false, known: [String: Set<String>] = [:]) {
    self.isEverything = isEverything
    self.known = known
  }

  public func allows(_ demand: Demand) -> Bool { isEverything || known[demand.root]?.contains(demand.key) == true }
}
