import FoundationEssentials
import Inputs

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The memory of earlier builds: a small JSON file. Losing it costs builds, nothing else. A file that cannot be read,
/// or that another user could have written, counts as empty, since its contents become builders' options. Inputs, which
/// include build arguments such as tokens, are kept as keyed hashes.
struct BuildCache: Sendable {
  struct Entry: Codable, Sendable, Hashable {
    /// `hash(of:)` of the image's inputs.
    var inputs: String
    var id: String
    /// The references by which the store knows it.
    var tags: [String]
    var kind: String
    var arguments: [String]
    /// The images this one replaced, latest first: they can be removed.
    var replaced: [String] = []
    /// The artifact's own tags of those, by id.
    var replacedTags: [String: [String]]?
    /// The value of `BuiltImage.pushed`.
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

  private let directory: PrivateDirectory
  private var content: Content
  private var hash: KeyedHash?

  init(directory: String) {
    self.directory = PrivateDirectory(path: directory)
    let data = self.directory.read(Self.name)
    content = data.flatMap { try? JSONDecoder().decode(Content.self, from: Data($0)) } ?? Content()
  }

  private static let name = "images.json"

  /// Hashes inputs: equal ones give equal hashes, on this machine alone.
  /// - Throws: `diskFull`, `commandFailed`.
  mutating func hash(of inputs: ArtifactInputs) throws(BuildError) -> String {
    if hash == nil {
      do throws(RegularFile.Failure) { hash = KeyedHash(key: try directory.key("key")) } catch {
        throw failed("key", error)
      }
    }
    return hash?.hash(inputs.digest + "\n" + inputs.options) ?? ""
  }

  private func failed(_ name: String, _ failure: RegularFile.Failure) -> BuildError {
    let code: Int32 = if case .system(let code) = failure { code } else { EIO }
    if let problem = directory.problem {
      return BuildError(
        .commandFailed, "\(directory.path) is not used: \(problem)",
        remedy: "remove it, or set XDG_CACHE_HOME to a directory of your own")
    }
    return BuildError(system: code, "cannot write \(directory.path)/\(name)", path: directory.path)
  }

  subscript(key: String) -> Entry? { content.entries[key] }

  func imagesDirectory(of store: BuilderStore, _ environment: [String: String]) -> String? {
    content.directories[Self.place(of: store, environment)]
  }

  /// Returns a key for a store and the variables that move it elsewhere.
  static func place(of store: BuilderStore, _ environment: [String: String]) -> String {
    let variables = ["CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "STORAGE_OPTS", "XDG_DATA_HOME"]
    return ([store.description] + variables.compactMap { name in environment[name].map { "\(name)=\($0)" } }).joined(
      separator: " ")
  }

  /// Returns all entries of artifacts with this image name.
  func entries(ofImage name: String) -> [Entry] { content.entries.filter { $0.key.hasPrefix(name + " ") }.map(\.value) }

  /// Changes and writes the cache; other processes' entries stay. The rename at the end never leaves half a file.
  /// - Throws: `diskFull`, `commandFailed`.
  mutating func update(_ change: (inout [String: Entry], inout [String: String]) -> Void) throws(BuildError) {
    var latest = BuildCache(directory: directory.path).content
    change(&latest.entries, &latest.directories)
    if latest.entries.count > Self.limit {
      for (key, _) in latest.entries.sorted(by: { $0.value.used < $1.value.used }).prefix(
        latest.entries.count - Self.limit)
      { latest.entries[key] = nil }
    }
    content = latest
    // Strings and numbers alone: encoding cannot fail.
    let data = (try? JSONEncoder().encode(latest)) ?? Data()
    do throws(RegularFile.Failure) { try directory.write(Self.name, Array(data)) } catch {
      throw failed(Self.name, error)
    }
  }

  private static let limit = 200
}
