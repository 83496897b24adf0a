import Agents
import FoundationEssentials
import KubeObjects
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where a container mounts what, and whether its files are copied to the host.
struct VolumeMount: Codable, Sendable, Hashable {
  var name: String
  /// Absolute, in the container.
  var path: String
  /// ConfigMaps, Secrets, the downward API and tokens: small, and kept fresh. Everything else is copied only when asked for.
  var isProjected: Bool

  /// The mounts of a container, and the ServiceAccount's token, which admission adds to Pods (Kubernetes API, "Configure Service Accounts for Pods").
  static func read(template: JSONValue, container: JSONValue) -> [VolumeMount] {
    let volumes = template[path: "spec", "volumes"]?.elements ?? []
    var mounts: [VolumeMount] = []
    for mount in container["volumeMounts"]?.elements ?? [] {
      guard let name = mount.name_, let path = mount["mountPath"]?.stringValue, path.hasPrefix("/") else { continue }
      let volume = volumes.first { $0.name_ == name } ?? [:]
      let isProjected = ["configMap", "secret", "downwardAPI", "projected"].contains { volume[$0] != nil }
      mounts.append(VolumeMount(name: name, path: path, isProjected: isProjected))
    }
    if template[path: "spec", "automountServiceAccountToken"]?.boolValue != false, !mounts.contains(where: { $0.path == tokenPath }) {
      mounts.append(VolumeMount(name: "token", path: tokenPath, isProjected: true))
    }
    return mounts
  }

  static let tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"
}

/// The Pod's files below a directory of the host, `$DEVTUNNEL_ROOT`: readable by this user alone.
struct PodVolumes: Sendable {
  let files: PodFiles
  /// `…/root`.
  let root: String
  let log: Logger

  /// Copies a mount; nil where the Pod does not have it.
  /// - Returns: where it stands now on the host.
  func copy(_ mount: VolumeMount) async throws(FileProblem) -> String? {
    let tree: [PodFiles.Item]
    do throws(FileProblem) {
      tree = try await files.tree(mount.path)
    } catch {
      if error == .notFound { return nil }
      throw error
    }
    let place = root + mount.path
    // Built beside, then put in its place, so that a reader never sees half of it.
    let fresh = place + ".devtunnel-new"
    let manager = FileManager.default
    do {
      try? manager.removeItem(atPath: fresh)
      try manager.createDirectory(atPath: parent(place), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      for item in tree { try write(item, below: fresh) }
    } catch {
      log.warning("a volume could not be written", metadata: ["path": "\(place)", "why": "\(error)"])
      throw .unreadable
    }
    try put(fresh, at: place)
    return place
  }

  /// The directory itself stays, since it may be bound into a shell's namespace: what is in it is replaced, entry by entry.
  private func put(_ fresh: String, at place: String) throws(FileProblem) {
    let manager = FileManager.default
    guard manager.fileExists(atPath: place), let entries = try? manager.contentsOfDirectory(atPath: fresh) else {
      guard rename(fresh, place) == 0 else { throw .unreadable }
      return
    }
    for entry in entries where rename("\(fresh)/\(entry)", "\(place)/\(entry)") != 0 {
      // A directory is not replaced by renaming unless it is empty.
      try? manager.removeItem(atPath: "\(place)/\(entry)")
      guard rename("\(fresh)/\(entry)", "\(place)/\(entry)") == 0 else { throw .unreadable }
    }
    for gone in (try? manager.contentsOfDirectory(atPath: place)) ?? [] where !entries.contains(gone) { try? manager.removeItem(atPath: "\(place)/\(gone)") }
    try? manager.removeItem(atPath: fresh)
  }

  private func write(_ item: PodFiles.Item, below base: String) throws {
    let path = item.entry.name.isEmpty ? base : base + "/" + item.entry.nameText
    let manager = FileManager.default
    switch item.entry.kind {
    case .directory: try manager.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    case .link: try manager.createSymbolicLink(atPath: path, withDestinationPath: String(decoding: item.entry.target, as: UTF8.self))
    case .file:
      // Executable stays executable; nothing becomes readable to others.
      let mode = 0o600 | (item.entry.mode & 0o100 != 0 ? 0o100 : 0)
      guard manager.createFile(atPath: path, contents: Data(item.bytes), attributes: [.posixPermissions: mode]) else {
        throw CocoaError(.fileWriteUnknown)
      }
    case .unreadable: log.info("a file of the Pod is not readable for the agent", metadata: ["name": "\(item.entry.nameText)"])
    }
  }

  private func parent(_ path: String) -> String { "/" + path.split(separator: "/").dropLast().joined(separator: "/") }
}
