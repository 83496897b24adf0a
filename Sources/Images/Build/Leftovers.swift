import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The working containers that a killed buildah or podman leaves in its store, each with a mounted file system.
///
/// A build's own ones are told from others' by a secret that every build here is given: the containers' records list it
/// (buildah.json, `CommonBuildOpts.Secrets`).
struct Leftovers: Sendable {
  /// `…/overlay-containers`.
  private let directory: String
  private let tool: StoreTool
  private static let prefix = "devtunnel-build-"

  /// - Parameter imagesDirectory: see `StoreTool.imagesDirectory`; containers lie beside.
  init?(_ tool: StoreTool, imagesDirectory: String?) {
    guard let imagesDirectory, imagesDirectory.hasSuffix("-images") else { return nil }
    directory = imagesDirectory.dropLast("images".count) + "containers"
    self.tool = tool
  }

  /// A name for one build of this process.
  static func marker(_ number: Int) -> String { "\(prefix)\(getpid())-\(number)" }

  /// Removes what builds with these markers left, or what builds of processes left that are no more.
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
    // Also when the task is cancelled: that is the reason for being here.
    // podman takes a mounted one for one in use.
    let options = tool.store.kind == .podman ? ["--force"] : []
    return await Task { (try? await tool.child(["rm"] + options + found).read())?.status == 0 }.value
  }

  private static func mark(in record: Data) -> String? {
    let text = String(decoding: record, as: UTF8.self)
    guard let start = text.range(of: "id=" + prefix) else { return nil }
    return prefix + text[start.upperBound...].prefix { $0.isNumber || $0 == "-" }
  }

  private static func isOrphaned(_ mark: String) -> Bool {
    guard let pid = mark.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }) else {
      return false
    }
    return kill(pid, 0) != 0 && errno == ESRCH
  }
}
