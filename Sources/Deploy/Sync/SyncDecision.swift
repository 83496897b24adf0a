import Inputs
import Skaffold

/// The way to handle changed files of an artifact.
public enum SyncDecision: Sendable, Hashable {
  case sync([FileChange])
  /// At least one file is in no sync rule.
  case build(reason: String)

  /// Decides to sync if every file is in at least one rule of `sync.manual`: then each rule gives a destination; or if
  /// it matches a glob of `sync.infer`, and the Dockerfile shows its places. Otherwise everything is built, as with
  /// Skaffold.
  /// - Parameters:
  ///   - changed, deleted: absolute paths of files below the artifact's context that the build sees.
  ///   - places: the paths in the image that the Dockerfile copies a file of the context to; nil: not known.
  public static func of(
    _ artifact: Artifact, changed: some Collection<String>, deleted: some Collection<String>,
    places: (_ relative: String) -> [String]? = { _ in nil }
  ) -> SyncDecision {
    guard artifact.isSynced else { return .build(reason: "it has no sync rules") }
    let inferred = artifact.inferredSync.compactMap { Glob(clean($0), .doublestar) }
    let rules = artifact.sync.map { (rule: $0, glob: Glob(clean($0.source), .doublestar)) }
    var changes: [FileChange] = []
    for (path, isDeleted) in changed.sorted().map({ ($0, false) }) + deleted.sorted().map({ ($0, true) }) {
      guard let relative = relative(path, to: artifact.context) else {
        return .build(reason: "\(path) is outside of its context")
      }
      if inferred.contains(where: { $0.matches(relative) }) {
        guard let places = places(relative), !places.isEmpty else {
          return .build(reason: "the Dockerfile does not show where \(relative) goes")
        }
        changes += places.map { FileChange(source: isDeleted ? nil : path, destination: $0) }
        continue
      }
      let matching = rules.filter { $0.glob?.matches(relative) ?? false }
      guard !matching.isEmpty else { return .build(reason: "\(relative) is in no sync rule") }
      for (rule, _) in matching {
        changes.append(FileChange(source: isDeleted ? nil : path, destination: destination(relative, rule)))
      }
    }
    return .sync(changes)
  }

  private static func relative(_ path: String, to directory: String) -> String? {
    let base = directory.hasSuffix("/") ? directory : directory + "/"
    return path.utf8.starts(with: base.utf8)
      ? String(decoding: path.utf8.dropFirst(base.utf8.count), as: UTF8.self) : nil
  }

  private static func destination(_ path: String, _ rule: SyncRule) -> String {
    let strip = clean(rule.strip ?? "")
    let begins = path.utf8.starts(with: strip.utf8)
    let rest = begins ? String(decoding: path.utf8.dropFirst(strip.utf8.count), as: UTF8.self) : path
    let joined = rule.destination + "/" + rest
    let parts = joined.utf8.split(separator: UInt8(ascii: "/"))
      .map { String(decoding: $0, as: UTF8.self) }.filter { $0 != "." }
    return (joined.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }

  private static func clean(_ path: String) -> String { path.hasPrefix("./") ? String(path.dropFirst(2)) : path }
}
