/// The paths to watch.
public struct WatchSet: Sendable, Hashable {
  public var trees: [WatchedTree]
  /// Absolute paths of single files; they need not exist yet, nor their directories.
  public var files: [String]

  public init(trees: [WatchedTree] = [], files: [String] = []) {
    self.trees = trees
    self.files = files
  }

  /// The contexts' sources and their `definitionFiles`, and further files (skaffold.yaml, manifests).
  public init(contexts: [BuildContext], files: [String] = []) {
    trees = contexts.map(WatchedTree.init)
    self.files = contexts.flatMap(\.definitionFiles) + files
  }
}

/// A directory with everything in it, now or later.
public struct WatchedTree: Sendable, Hashable {
  /// Absolute; it need not exist yet.
  public var root: String
  /// Globs relative to the root, as in `DockerfileSources.paths`; ["."] is everything.
  public var sources: [String]
  public var ignore: IgnoreRules

  public init(root: String, sources: [String] = ["."], ignore: IgnoreRules = IgnoreRules()) {
    self.root = root
    self.sources = sources
    self.ignore = ignore
  }

  /// The files that the build of a context can see.
  public init(_ context: BuildContext) {
    self.init(root: context.directory, sources: context.sources, ignore: context.ignore)
  }
}
