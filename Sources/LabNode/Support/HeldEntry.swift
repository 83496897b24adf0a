import CLinux
import Glibc

/// A file or directory that was found below a directory whose content a container or an image chooses, held by its
/// descriptor: whoever moves it or puts a link in its place afterwards changes nothing.
///
/// Links are followed here, one by one and from descriptors, as openat2(2) does with RESOLVE_BENEATH or
/// RESOLVE_IN_ROOT: `..` returns to the directory that was come from, never above the first one.
final class HeldEntry: Sendable, Equatable {
  /// The place where an absolute link begins.
  enum Root: Sendable {
    /// Nothing: it is refused, and so is `..` at the top (RESOLVE_BENEATH).
    case refused
    /// The directory that the search began in, as in a container (RESOLVE_IN_ROOT).
    case directory
  }

  enum Failure: Error, Sendable, Equatable {
    case missing
    /// A link or a `..` leads out.
    case leadsOut
    /// A link in a circle, a file in a directory's place, or a refusal of the system.
    case system(Int32)
  }

  /// O_PATH of open(2), which glibc shows to C alone: the entry is only named, so that no device does anything.
  private static let pathOnly: Int32 = 0o10_000_000

  private let descriptor: Int32
  private let kind: mode_t

  private init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var information = stat()
    kind = fstat(descriptor, &information) == 0 ? information.st_mode & S_IFMT : 0
  }

  deinit { close(descriptor) }

  static func == (left: HeldEntry, right: HeldEntry) -> Bool { left === right }

  /// A path to exactly this entry, for other programs of root too, as long as it is held.
  var path: String { "/proc/\(getpid())/fd/\(descriptor)" }
  var isDirectory: Bool { kind == S_IFDIR }

  private static let mostLinks = 40
  private static let mostParts = 255

  /// Finds an entry.
  /// - Parameters:
  ///   - path: is taken as relative to `directory`.
  ///   - directory: one of the node's own, or an image's, which may be reached by links.
  ///   - makes: missing directories are made, with mode 0777.
  static func find(_ path: String, in directory: String, root: Root, makes: Bool = false) throws(Failure) -> HeldEntry {
    let top = open(directory, pathOnly | O_DIRECTORY | O_CLOEXEC)
    guard top >= 0 else { throw failure(errno) }
    var way = [HeldEntry(top)]
    var rest = EntryName.split(path)[...]
    var links = 0
    while let part = rest.popFirst() {
      guard way.count + rest.count <= mostParts else { throw .system(ENAMETOOLONG) }
      if part == ".." {
        if way.count > 1 {
          way.removeLast()
        } else if root == .refused {
          throw .leadsOut
        }
        continue
      }
      let next = try way[way.count - 1].entry(part, makes: makes)
      guard next.kind == S_IFLNK else {
        way.append(next)
        continue
      }
      links += 1
      guard links <= mostLinks, let target = next.target else { throw .system(ELOOP) }
      if target.utf8.first == UInt8(ascii: "/") {
        guard root == .directory else { throw .leadsOut }
        way.removeLast(way.count - 1)
      }
      rest = (EntryName.split(target) + rest)[...]
    }
    return way[way.count - 1]
  }

  private func entry(_ name: String, makes: Bool) throws(Failure) -> HeldEntry {
    // Any slash would be followed by the kernel.
    guard EntryName.isOne(name) else { throw .leadsOut }
    if makes, mkdirat(descriptor, name, 0o777) == 0 {
      // The umask may have cleared bits. A directory that somebody put there meanwhile is one of the same volume.
      let made = clinux_open_beneath(descriptor, name, O_RDONLY | O_DIRECTORY, 0)
      guard made >= 0 else { throw Self.failure(-made) }
      fchmod(made, 0o777)
      return HeldEntry(made)
    }
    let found = openat(descriptor, name, Self.pathOnly | O_NOFOLLOW | O_CLOEXEC)
    guard found >= 0 else { throw Self.failure(errno) }
    return HeldEntry(found)
  }

  /// The text of a link; nil for anything else.
  private var target: String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = readlinkat(descriptor, "", &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  /// Reads a regular file; nil for anything else, and for one with more bytes than the limit.
  func read(limit: Int) -> [UInt8]? {
    guard kind == S_IFREG else { return nil }
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return Files.read(descriptor: file, limit: limit)
  }

  private static func failure(_ code: Int32) -> Failure { code == ENOENT ? .missing : .system(code) }
}
