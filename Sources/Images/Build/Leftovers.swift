import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The working containers that a killed buildah or podman leaves in its store, each with a mounted file system.
///
/// A secret that every build here gets identifies its own containers: their records list it
/// (buildah.json, `CommonBuildOpts.Secrets`).
struct Leftovers: Sendable {
  /// `…/overlay-containers`.
  private let directory: String
  private let tool: StoreTool
  private static let prefix = "devtunnel-build-"

  /// - Parameter imagesDirectory: see `StoreTool.imagesDirectory`; containers are next to it.
  init?(_ tool: StoreTool, imagesDirectory: String?) {
    guard let imagesDirectory, imagesDirectory.hasSuffix("-images") else { return nil }
    directory = imagesDirectory.dropLast("images".count) + "containers"
    self.tool = tool
  }

  /// Returns a name for one build of this process.
  static func marker(_ number: Int) -> String { "\(prefix)\(getpid())-\(number)" }

  /// Removes leftovers of builds with these markers, and of builds of processes that have ended.
  /// - Returns: false if the tool failed: on a full disk it needs room itself.
  func remove(_ markers: Set<String>) async -> Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let found = names.filter { name in
      guard let data = FileManager.default.contents(atPath: "\(directory)/\(name)/userdata/buildah.json"),
        let mark = Self.mark(in: data)
      else { return false }
      return markers.contains(mark) || Self.isOrphaned(mark)
    }
    guard !found.isEmpty else { return true }
    // A cancelled task must remove them too, so run in another one. podman takes a mounted container for one in use.
    let options = tool.store.kind == .podman ? ["--force"] : []
    return await Task { (try? await tool.child(["rm"] + options + found).read())?.status == 0 }.value
  }

  private static func mark(in record: Data) -> String? {
    let text = String(decoding: record, as: UTF8.self)
    guard let start = text.firstRange(of: "id=" + prefix) else { return nil }
    return prefix + text[start.upperBound...].prefix { $0.isNumber || $0 == "-" }
  }

  private static func isOrphaned(_ mark: String) -> Bool {
    guard let pid = mark.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }) else {
      return false
    }
    return kill(pid, 0) != 0 && errno == ESRCH
  }
}
