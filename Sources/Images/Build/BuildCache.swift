import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What is remembered of earlier builds: a small JSON file. Losing it costs builds, nothing else; so a file that cannot be read is an empty one.
struct BuildCache: Sendable {
  struct Entry: Codable, Sendable, Hashable {
    /// The options that the image was built with.
    var options: String
    /// The hash of the files it was built from.
    var digest: String
    var id: String
    /// The references that the store knows it by.
    var tags: [String]
    var kind: String
    var arguments: [String]
    /// The images this one replaced, latest first: they can go.
    var replaced: [String] = []
    /// The artifact's own tags of those, by id.
    var replacedTags: [String: [String]]?
    /// What `BuiltImage.pushed` was.
    var pushed: String?
    /// Seconds since 1970.
    var used: Int

    var store: BuilderStore? { BuilderKind(rawValue: kind).map { BuilderStore($0, arguments: arguments) } }
  }

  private struct Content: Codable {
    var entries: [String: Entry] = [:]
    /// `StoreTool.imagesDirectory` of each `place`.
    var directories: [String: String] = [:]
  }

  private let directory: String
  private var content: Content
  private var file: String { directory + "/images.json" }

  init(directory: String) {
    self.directory = directory
    let data = FileManager.default.contents(atPath: directory + "/images.json")
    content = data.flatMap { try? JSONDecoder().decode(Content.self, from: $0) } ?? Content()
  }

  subscript(key: String) -> Entry? { content.entries[key] }

  func imagesDirectory(of store: BuilderStore, _ environment: [String: String]) -> String? { content.directories[Self.place(of: store, environment)] }

  /// A store, and the variables that move it to another place.
  static func place(of store: BuilderStore, _ environment: [String: String]) -> String {
    let variables = ["CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "STORAGE_OPTS", "XDG_DATA_HOME"]
    return ([store.description] + variables.compactMap { name in environment[name].map { "\(name)=\($0)" } }).joined(separator: " ")
  }

  /// The ids of images that `name` had once, and their stores.
  func entries(ofImage name: String) -> [Entry] { content.entries.filter { $0.key.hasPrefix(name + " ") }.map(\.value) }

  /// Changes and writes; other processes' entries stay. Read and written in one go and put in place by a rename: never half a file.
  /// - Throws: `diskFull`, `commandFailed`.
  mutating func update(_ change: (inout [String: Entry], inout [String: String]) -> Void) throws(BuildError) {
    var latest = BuildCache(directory: directory).content
    change(&latest.entries, &latest.directories)
    if latest.entries.count > Self.limit {
      for (key, _) in latest.entries.sorted(by: { $0.value.used < $1.value.used }).prefix(latest.entries.count - Self.limit) { latest.entries[key] = nil }
    }
    content = latest
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try JSONEncoder().encode(latest).write(to: URL(filePath: file), options: .atomic)
    } catch {
      // Foundation hides the reason; the file system tells whether there is no room.
      let isFull = FileSystemSpace(at: directory).map { $0.free < 65_536 || $0.freeFiles == 0 } ?? false
      throw BuildError(system: isFull ? ENOSPC : EIO, "cannot write \(file)", path: directory)
    }
  }

  private static let limit = 200
}
