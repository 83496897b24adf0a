import Inputs
import Skaffold

/// The way to handle changed files of an artifact.
public enum SyncDecision: Sendable, Hashable {
  case sync([FileChange])
  /// At least one file is in no sync rule.
  case build(reason: String)

  /// Decides to sync if every file is in at least one rule of `sync.manual`: then each rule gives a destination.
  /// Otherwise everything is built, as with Skaffold.
  /// - Parameters:
  ///   - changed, deleted: absolute paths of files below the artifact's context that the build sees.
  public static func of(_ artifact: Artifact, changed: some Collection<String>, deleted: some Collection<String>)
    -> SyncDecision
  {
    guard !artifact.sync.isEmpty else { return .build(reason: "it has no sync rules") }
    let rules = artifact.sync.map { (rule: $0, glob: Glob(clean($0.source), .doublestar)) }
    var changes: [FileChange] = []
    for (path, isDeleted) in changed.sorted().map({ ($0, false) }) + deleted.sorted().map({ ($0, true) }) {
      guard let relative = relative(path, to: artifact.context) else {
        return .build(reason: "\(path) is outside of its context")
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
