import Images
import Skaffold
import Watching

/// The files of artifacts, manifests and configurations.
struct SourceMap: Sendable {
  /// The files that builds can see, by image. An artifact whose context cannot be read has none: its
  /// directory is watched instead.
  private(set) var contexts: [String: BuildContext] = [:]
  private var trees: [String: WatchedTree] = [:]
  /// The files of the configurations, with the fixed ones.
  private(set) var configurationFiles: Set<String>
  private var manifestFiles: Set<String> = []
  private var manifestTrees: [WatchedTree] = []
  /// Every file in them counts.
  private var chartTrees: [WatchedTree] = []
  private let images: [String]

  /// - Parameter fixed: the skaffold.yaml, watched even if it cannot be read.
  init(fixed: [String]) {
    configurationFiles = Set(fixed)
    images = []
  }

  init(_ configurations: [DevConfiguration], fixed: [String]) {
    configurationFiles = Set(fixed).union(configurations.flatMap(\.files))
    images = configurations.flatMap(\.artifacts).map(\.image)
    for artifact in configurations.flatMap(\.artifacts) { add(artifact) }
    for sources in configurations.map(\.manifests) {
      manifestFiles.formUnion(sources.watchedFiles())
      manifestTrees += sources.rawYAML.compactMap(Self.tree(glob:))
      chartTrees += sources.watchedDirectories().map { WatchedTree(root: $0) }
    }
  }

  mutating func add(configurationFiles: [String]) { self.configurationFiles.formUnion(configurationFiles) }

  private mutating func add(_ artifact: Artifact) {
    guard let context = try? Self.context(of: artifact) else {
      trees[artifact.image] = WatchedTree(root: artifact.context, ignore: .git(in: artifact.context))
      return
    }
    contexts[artifact.image] = context
    var tree = WatchedTree(context)
    // Copying everything means the sources, without files that git ignores; a path copied by name counts
    // even if git ignores it.
    if context.sources.contains(".") { tree.ignore = tree.ignore.union(.git(in: context.directory)) }
    trees[artifact.image] = tree
  }

  static func context(of artifact: Artifact) throws(WatchError) -> BuildContext {
    switch artifact.build {
    case .docker(let build):
      return try BuildContext(
        directory: artifact.context, dockerfile: build.dockerfile, buildArgs: build.buildArgs.values,
        target: build.target)
    case .custom(let build):
      if let dockerfile = build.dependencies.dockerfile {
        return try BuildContext(
          directory: artifact.context, dockerfile: dockerfile, buildArgs: build.dependencies.buildArgs.values)
      }
      return try BuildContext(
        directory: artifact.context, paths: build.dependencies.paths, ignore: build.dependencies.ignore)
    case .other: return try BuildContext(directory: artifact.context, paths: ["."])
    }
  }

  /// Returns the tree of a glob such as `k8s/*.yaml`: new files that match count too.
  private static func tree(glob: String) -> WatchedTree? {
    let parts = glob.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    guard glob.hasPrefix("/"), let first = parts.firstIndex(where: { $0.contains { "*?[{".contains($0) } }) else {
      return nil
    }
    return WatchedTree(
      root: "/" + parts[..<first].joined(separator: "/"), sources: [parts[first...].joined(separator: "/")])
  }

  var watchSet: WatchSet {
    let definitions = contexts.values.flatMap(\.definitionFiles)
    return WatchSet(
      trees: images.compactMap { trees[$0] } + manifestTrees + chartTrees,
      files: (definitions + Array(configurationFiles) + Array(manifestFiles)).sorted())
  }

  /// Adds a batch's consequences to the pending work.
  /// - Returns: whether it has any.
  func add(_ batch: ChangeBatch, to work: inout PendingWork) -> Bool {
    if batch.overflowed {
      work.reload = true
      work.render = true
      for image in images { work.sources[image, default: .init()].isUnknown = true }
      return true
    }
    var counts = false
    for path in batch.paths { counts = add(path, deleted: false, to: &work) || counts }
    for path in batch.deleted { counts = add(path, deleted: true, to: &work) || counts }
    return counts
  }

  private func add(_ path: String, deleted: Bool, to work: inout PendingWork) -> Bool {
    var counts = false
    if configurationFiles.contains(path) {
      work.reload = true
      counts = true
    }
    if manifestFiles.contains(path) || manifestTrees.contains(where: { $0.holds(path) && Self.isManifest(path) })
      || chartTrees.contains(where: { $0.holds(path) }) && !Self.isWrittenByHelm(path)
    {
      work.render = true
      counts = true
    }
    for image in images where holds(image, path, deleted: deleted) {
      if contexts[image]?.definitionFiles.contains(path) ?? true { work.definitions = true }
      if deleted {
        work.sources[image, default: .init()].add(deleted: path)
      } else {
        work.sources[image, default: .init()].add(changed: path)
      }
      counts = true
    }
    return counts
  }

  /// The files that `helm dependency build` writes: a rendering must not begin the next one.
  private static func isWrittenByHelm(_ path: String) -> Bool {
    path.hasSuffix("/Chart.lock") || path.hasSuffix(".tgz") || path.contains("/tmpcharts")
  }

  private static func isManifest(_ path: String) -> Bool { [".yaml", ".yml", ".json"].contains { path.hasSuffix($0) } }

  private func holds(_ image: String, _ path: String, deleted: Bool) -> Bool {
    guard let tree = trees[image] else { return false }
    guard let context = contexts[image] else { return tree.holds(path) }
    if context.contains(path) { return !tree.ignores(path) || context.definitionFiles.contains(path) }
    // A deleted directory matches no glob of files.
    return deleted && tree.holds(path) && !tree.ignores(path)
  }
}

extension WatchedTree {
  fileprivate func holds(_ path: String) -> Bool { path.hasPrefix(root == "/" ? "/" : root + "/") }
  fileprivate func ignores(_ path: String) -> Bool {
    holds(path) && ignore.ignores(String(path.dropFirst(root.count + 1)), isDirectory: false)
  }
}

extension [BuildArgument] {
  fileprivate var values: [String: String] {
    Dictionary(compactMap { argument in argument.value.map { (argument.name, $0) } }) { $1 }
  }
}
