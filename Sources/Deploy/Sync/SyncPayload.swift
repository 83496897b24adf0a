import Glibc
import Inputs

/// The bytes for a container's stdin: the directory to work in, the paths to delete, an empty line, and a tar archive.
struct SyncPayload {
  /// Reads just that. `read` takes no byte beyond its line, so tar gets the rest. The script reads unused bytes too:
  /// Kubernetes does not report the end of a command whose stdin is still on its way.
  static let script = """
    IFS= read -r d && cd "$d" || { cat >/dev/null; exit 125; }
    while IFS= read -r f && [ -n "$f" ]; do rm -rf -- "$f" || { cat >/dev/null; exit 126; }; done
    tar -xof -
    s=$?; cat >/dev/null; exit $s
    """

  /// More than this is better built into an image.
  static let limit = 64 << 20

  /// One for paths from the root, one for those from the container's working directory.
  private(set) var parts: [[UInt8]] = []
  private(set) var files = 0
  private(set) var bytes = 0

  /// - Throws: `.needsBuild` for files that tar or the script cannot take.
  init(_ changes: [FileChange]) throws(DeployError) {
    let absolute = changes.filter { $0.destination.hasPrefix("/") }
    let relative = changes.filter { !$0.destination.hasPrefix("/") }
    if !absolute.isEmpty { parts.append(try part("/", absolute)) }
    if !relative.isEmpty { parts.append(try part(".", relative)) }
    files = changes.count
  }

  private mutating func part(_ directory: String, _ changes: [FileChange]) throws(DeployError) -> [UInt8] {
    var deletions = ""
    var tar = TarWriter()
    for change in changes {
      let path = try Self.checked(change.destination)
      guard let source = change.source, let entry = try read(source) else {
        deletions += "./\(path)\n"
        continue
      }
      tar.append(path, entry.content, mode: entry.mode, modified: entry.modified)
    }
    return Array("\(directory)\n\(deletions)\n".utf8) + tar.finished()
  }

  /// Returns the path relative to the directory; refuses one that leaves it.
  private static func checked(_ destination: String) throws(DeployError) -> String {
    // By bytes, as tar(1) in the container splits it: with a combining mark behind it a slash is another `Character`.
    let parts = destination.utf8.split(separator: UInt8(ascii: "/"))
      .map { String(decoding: $0, as: UTF8.self) }.filter { $0 != "." }
    guard !parts.isEmpty, !parts.contains("..") else {
      throw DeployError(.needsBuild, "'\(destination)' is no file that can be synced")
    }
    guard !destination.utf8.contains(10) else {
      throw DeployError(.needsBuild, "the name of '\(destination)' holds a line break")
    }
    return parts.joined(separator: "/")
  }

  /// - Returns: nil for a file that has gone since.
  private mutating func read(_ path: String) throws(DeployError) -> (
    content: TarWriter.Entry, mode: UInt32, modified: Int64
  )? {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw DeployError(.needsBuild, "\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    let modified = Int64(status.st_mtim.tv_sec)
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      let content = try content(path)
      bytes += content.count
      return (.file(content), status.st_mode, modified)
    case S_IFDIR: return (.directory, status.st_mode, modified)
    case S_IFLNK:
      var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(path, &target, target.count)
      return (.link(to: String(decoding: target.prefix(max(0, count)), as: UTF8.self)), 0o777, modified)
    default: throw DeployError(.needsBuild, "\(path) is neither file, directory nor link")
    }
  }

  private func content(_ path: String) throws(DeployError) -> [UInt8] {
    do throws(RegularFile.Failure) {
      return try RegularFile.read(path, limit: Self.limit - bytes)
    } catch {
      if case .tooLarge = error {
        throw DeployError(.needsBuild, "the changed files are more than \(Self.limit >> 20) MiB")
      }
      throw DeployError(.needsBuild, "\(path) cannot be read: \(error)")
    }
  }
}
