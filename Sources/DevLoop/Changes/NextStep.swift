import Deploy
import Skaffold

/// The cheapest step that brings the containers up to date.
enum NextStep: Sendable, Equatable {
  /// Copy files into running containers; by image.
  case sync([String: [FileChange]])
  /// Build these and deploy; none: only deploy.
  case build([Artifact])

  /// - Parameters:
  ///   - running: images whose containers run as they were deployed last.
  ///   - places: as for `SyncDecision.of`.
  init(
    _ work: PendingWork, artifacts: [Artifact], running: Set<String>,
    places: (Artifact, String) -> [String]? = { _, _ in nil }
  ) {
    if !work.deploy, !work.render, let changes = Self.changesToSync(work, artifacts, running, places) {
      self = .sync(changes)
      return
    }
    let stale = Set(work.sources.keys).union(work.synced.keys)
    self = .build(Self.withRelatives(artifacts.filter { stale.contains($0.image) }, of: artifacts))
  }

  /// Returns the files to copy; nil if one file of one artifact cannot be synced.
  private static func changesToSync(
    _ work: PendingWork, _ artifacts: [Artifact], _ running: Set<String>, _ places: (Artifact, String) -> [String]?
  ) -> [String: [FileChange]]? {
    var changes: [String: [FileChange]] = [:]
    for (image, sources) in work.sources {
      guard !sources.isUnknown, running.contains(image), let artifact = artifacts.first(where: { $0.image == image }),
        artifact.isSynced,
        case .sync(let files) = SyncDecision.of(
          artifact, changed: sources.changed, deleted: sources.deleted, places: { places(artifact, $0) })
      else { return nil }
      changes[image] = files
    }
    return changes.isEmpty ? nil : changes
  }

  /// Adds the artifacts that are built from them, and those that all of these are built from.
  private static func withRelatives(_ stale: [Artifact], of artifacts: [Artifact]) -> [Artifact] {
    var images = Set(stale.map(\.image))
    var before = -1
    while images.count != before {
      before = images.count
      for artifact in artifacts where artifact.requires.contains(where: { images.contains($0.image) }) {
        images.insert(artifact.image)
      }
    }
    before = -1
    while images.count != before {
      before = images.count
      for artifact in artifacts where images.contains(artifact.image) {
        images.formUnion(artifact.requires.map(\.image))
      }
    }
    return artifacts.filter { images.contains($0.image) }
  }
}
