import Skaffold
import Watching

/// Builds the images of artifacts with an installed builder or with their own commands.
///
/// Cancelling the task that builds ends the builder's whole process group at once.
public actor ImageBuilder {
  public nonisolated let kind: BuilderKind
  public nonisolated let settings: BuildSettings
  nonisolated let environment: [String: String]
  nonisolated let cacheDirectory: String
  /// Hashes an artifact's sources.
  let digest: @Sendable (Artifact) throws(BuildError) -> String
  nonisolated let registry: RegistryClient
  var cache: BuildCache
  private var builds = 0
  /// Markers of builds whose leftovers may still be in the store.
  var unremoved: Set<String> = []

  /// - Parameters:
  ///   - kind: see `BuilderKind.choose`.
  ///   - cacheDirectory: a directory for the memory of earlier builds; made when it is first written to.
  ///   - environment: for PATH, and for the builders and custom commands.
  public init(
    kind: BuilderKind, cacheDirectory: String, environment: [String: String], settings: BuildSettings = BuildSettings()
  ) {
    let hashes = FileHashes()
    self.init(kind: kind, cacheDirectory: cacheDirectory, environment: environment, settings: settings) {
      artifact throws(BuildError) in
      try artifact.sourcesDigest(environment: environment, hashes: hashes)
    }
  }

  init(
    kind: BuilderKind, cacheDirectory: String, environment: [String: String], settings: BuildSettings,
    digest: @escaping @Sendable (Artifact) throws(BuildError) -> String
  ) {
    self.kind = kind
    self.cacheDirectory = cacheDirectory
    self.environment = environment
    self.settings = settings
    self.digest = digest
    registry = RegistryClient(insecureRegistries: settings.insecureRegistries)
    cache = BuildCache(directory: cacheDirectory)
  }

  /// The store that Dockerfiles are built into.
  public nonisolated var store: BuilderStore { BuilderStore(kind, arguments: settings.storageArguments) }

  /// Builds changed artifacts, side by side as `settings.concurrency` and each artifact's `requires`
  /// allow. The first failure ends the others.
  /// - Parameters:
  ///   - tags: `artifact.image` to the full `name:tag`; `repository:latest` for missing ones.
  ///   - output: gets each line that a builder writes, with the artifact's image name; called from several tasks.
  /// - Returns: the images in the order of `artifacts`.
  public func build(
    _ artifacts: [Artifact], tags: [String: String], output: @escaping @Sendable (String, String) -> Void
  ) async throws(BuildError) -> [BuiltImage] {
    var order = try BuildOrder(artifacts)
    for artifact in artifacts { try artifact.checkFiles() }
    do {
      return try await withThrowingTaskGroup(of: (Int, BuiltImage).self) { group in
        var images: [String: BuiltImage] = [:]
        var running = 0
        repeat {
          while running < max(1, settings.concurrency), let index = order.next() {
            let artifact = artifacts[index]
            let required = artifact.requires.compactMap { images[$0.image] }
            let tag = tags[artifact.image] ?? artifact.repository + ":latest"
            running += 1
            group.addTask {
              (index, try await self.build(artifact, tag: tag, required: required) { output(artifact.image, $0) })
            }
          }
          guard let (index, image) = try await group.next() else { break }
          running -= 1
          order.finished(index)
          images[image.name] = image
        } while images.count < artifacts.count
        return artifacts.compactMap { images[$0.image] }
      }
    } catch let error as BuildError {
      throw error
    } catch {
      throw .cancelled
    }
  }

  /// Returns a build's marker, unique in this process's life for one builder's store.
  func nextMarker() -> String {
    builds += 1
    return Leftovers.marker(builds)
  }
}
