import Glibc
import Testing

@testable import Watching

/// A directory to make a mess in, which goes with its last owner.
final class Scene: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/devtunnel-watching-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    var below: [(path: String, isDirectory: Bool)] = []
    _ = walkTree(path) { relative in
      below.append((relative.isEmpty ? path : path + "/" + relative, true))
      return true
    } file: { relative, _ in
      unlink(path + "/" + relative)
    }
    for directory in below.reversed() { rmdir(directory.path) }
  }

  func callAsFunction(_ relative: String) -> String { path + "/" + relative }

  /// With the directories on the way.
  func write(_ relative: String, _ text: String = "text", executable: Bool = false) {
    if let slash = relative.lastIndex(of: "/") { makeDirectory(String(relative[..<slash])) }
    let descriptor = open(self(relative), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, executable ? 0o755 : 0o644)
    Glibc.write(descriptor, text, text.utf8.count)
    close(descriptor)
  }

  func makeDirectory(_ relative: String) {
    var done = path
    for part in relative.split(separator: "/") {
      done += "/" + part
      mkdir(done, 0o755)
    }
  }

  func rename(_ old: String, _ new: String) { Glibc.rename(self(old), self(new)) }
  func remove(_ relative: String) { unlink(self(relative)) }
  func removeDirectory(_ relative: String) { rmdir(self(relative)) }
  func link(_ relative: String, to target: String) { symlink(target, self(relative)) }
}

extension SourceWatcher {
  /// All reports so far, up to the wanted one.
  func batches(until isEnough: (ChangeBatch) -> Bool) async -> [ChangeBatch] {
    var seen: [ChangeBatch] = []
    for await batch in batches {
      seen.append(batch)
      if isEnough(batch) { break }
    }
    return seen
  }

  /// All reports about a scene, with relative paths, up to a file's change.
  func changes(in scene: Scene, until file: String) async -> ChangeBatch {
    var all = ChangeBatch()
    for batch in await batches(until: { $0.paths.contains(scene(file)) }) { all.merge(batch) }
    let relative = { (paths: Set<String>) in Set(paths.map { belowPath($0, scene.path) ?? $0 }) }
    (all.paths, all.deleted) = (relative(all.paths), relative(all.deleted))
    return all
  }
}
