import Images
import Skaffold
import Watching

/// Which file belongs to what.
struct SourceMap: Sendable {
  /// What the builds can see, by image. An artifact whose context cannot be read has none: its directory is watched
  /// instead.
  private(set) var contexts: [String: BuildContext] = [:]
  private var trees: [String: WatchedTree] = [:]
  /// Of the last reading: what is wrong with contexts and Dockerfiles; the build says it again.
  private(set) var configurationFiles: Set<String>
  private var manifestFiles: Set<String> = []
  private var manifestTrees: [WatchedTree] = []
  private let images: [String]

  /// - Parameter fixed: the skaffold.yaml, watched also when it cannot be read.
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
    }
  }

  private mutating func add(_ artifact: Artifact) {
    guard let context = try? Self.context(of: artifact) else {
      trees[artifact.image] = WatchedTree(root: artifact.context, ignore: .git(in: artifact.context))
      return
    }
    contexts[artifact.image] = context
    var tree = WatchedTree(context)
    // Whoever copies everything means the sources; whoever names a path that git ignores means that path.
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
    }
  }

  /// `k8s/*.yaml`: new files of this name count too.
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
      trees: images.compactMap { trees[$0] } + manifestTrees,
      files: (definitions + Array(configurationFiles) + Array(manifestFiles)).sorted())
  }

  /// Adds what a batch means to what is to be done.
  /// - Returns: whether it means anything.
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
    if manifestFiles.contains(path) || manifestTrees.contains(where: { $0.holds(path) && Self.isManifest(path) }) {
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

  private static func isManifest(_ path: String) -> Bool { [".yaml", ".yml", ".json"].contains { path.hasSuffix($0) } }

  private func holds(_ image: String, _ path: String, deleted: Bool) -> Bool {
    guard let tree = trees[image] else { return false }
    guard let context = contexts[image] else { return tree.holds(path) }
    if context.contains(path) { return !tree.ignores(path) || context.definitionFiles.contains(path) }
    // A directory that is gone matches no glob of files.
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
