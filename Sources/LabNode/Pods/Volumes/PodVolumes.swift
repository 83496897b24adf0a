import Glibc
import KubeObjects
import LabStore

/// A Pod's volumes as directories of the node.
struct PodVolumes: Sendable {
  let content: VolumeContent
  let directory: String

  static let accountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
  /// No volume of a manifest can have this name, and so none has the directory.
  static let accountVolume = ".kube-api-access"

  private var pod: PodReference { content.pod }
  private var group: UInt32? {
    get throws {
      try pod.spec[path: "securityContext", "fsGroup"]?.intValue.map { try ContainerUser.number($0, "fsGroup") }
    }
  }

  /// The Pod's volumes and, unless it declines, the one with its ServiceAccount's token that a real API server adds.
  private var volumes: [JSONValue] {
    let own = pod.spec["volumes"]?.elements ?? []
    guard mountsAccount else { return own }
    return own + [
      [
        "name": .string(Self.accountVolume),
        "projected": [
          "sources": [
            ["serviceAccountToken": ["path": "token"]],
            ["configMap": ["name": .string(VolumeContent.authorityMap), "optional": true]],
            ["downwardAPI": ["items": [["path": "namespace", "fieldRef": ["fieldPath": "metadata.namespace"]]]]],
          ]
        ],
      ]
    ]
  }

  private var mountsAccount: Bool {
    let all = (pod.spec["containers"]?.elements ?? []) + (pod.spec["initContainers"]?.elements ?? [])
    let isThere = all.contains {
      ($0["volumeMounts"]?.elements ?? []).contains { $0["mountPath"]?.stringValue == Self.accountPath }
    }
    return pod.spec["automountServiceAccountToken"]?.boolValue != false && !isThere
  }

  /// Checks the volumes' names, of which their directories are made. The API server has done so too, but the node does
  /// not rely on it.
  /// - Throws: `volume` for a name that could lead elsewhere, and for two volumes in one directory: one of them might
  ///   be a container's to write, and the other this node's.
  static func check(_ volumes: [JSONValue]) throws {
    var seen: Set<String> = []
    for volume in volumes {
      let name = volume["name"]?.stringValue ?? ""
      guard EntryName.isOne(name), name != accountVolume else {
        throw LabNodeError(.volume, "the volume's name \"\(name)\" is no name of a file")
      }
      guard seen.insert(name).inserted else { throw LabNodeError(.volume, "two volumes are called \"\(name)\"") }
      let sources = (volume.objectValue ?? [:]).keys.filter { $0 != "name" }
      guard sources.count <= 1 else {
        throw LabNodeError(
          .volume, "volume \"\(name)\" is of more than one type: \(sources.sorted().joined(separator: ", "))")
      }
    }
  }

  /// Makes every volume, or brings those made of objects up to date.
  /// - Throws: `volume`.
  func write() async throws {
    try Self.check(pod.spec["volumes"]?.elements ?? [])
    let group = try group
    for volume in volumes {
      guard let name = volume["name"]?.stringValue else { continue }
      let path = directory + "/" + name
      if let files = try await content.files(of: volume) {
        try AtomicDirectory(path: path, group: group).write(files)
      } else if volume["emptyDir"] != nil {
        if !Files.exists(path) { try makeEmptyDirectory(path, group) }
      } else {
        let kind = volume.objectValue?.keys.first { $0 != "name" } ?? "unknown"
        throw LabNodeError(
          .volume,
          """
          volume "\(name)" is of type \(kind), which the lab does not have: use emptyDir, configMap, secret, \
          downwardAPI or projected
          """
        )
      }
    }
  }

  private func makeEmptyDirectory(_ path: String, _ group: UInt32?) throws {
    try Files.makeDirectory(path, mode: 0o777)
    guard let group else { return }
    chown(path, uid_t.max, group)
    chmod(path, 0o2777)
  }

  /// Returns true if a volume is made of this object.
  func uses(_ resource: Resource, _ name: String) -> Bool {
    func matches(_ source: JSONValue) -> Bool {
      resource == .secrets
        ? source[path: "secret", "secretName"]?.stringValue == name
          || source[path: "secret", "name"]?.stringValue == name
        : source[path: "configMap", "name"]?.stringValue == name
    }
    return volumes.contains {
      matches($0) || ($0[path: "projected", "sources"]?.elements ?? []).contains(where: matches)
    }
  }

  /// A container's mounts, outer ones first, as container runtimes order them, with subPaths resolved inside their
  /// volumes.
  /// - Throws: `containerConfig` for a volume that is not there or a subPath that points out of it.
  func mounts(of container: JSONValue, variables: [String: String]) throws -> [RuntimeSpec.Mount] {
    try Self.check(pod.spec["volumes"]?.elements ?? [])
    var mounts = try (container["volumeMounts"]?.elements ?? []).map { mount -> RuntimeSpec.Mount in
      let name = mount["name"]?.stringValue ?? ""
      guard let volume = volumes.first(where: { $0["name"]?.stringValue == name }) else {
        throw LabNodeError(.containerConfig, "volumeMount \"\(name)\" has no volume")
      }
      let sub =
        try mount["subPath"]?.stringValue ?? mount["subPathExpr"]?.stringValue.map { text in
          guard let path = VariableExpansion.expand(text, variables, limit: Int(PATH_MAX)) else {
            throw LabNodeError(
              .containerConfig,
              "the subPathExpr of the volumeMount \"\(name)\" makes a path of more than \(PATH_MAX) bytes")
          }
          return path
        } ?? ""
      let isReadOnly = mount["readOnly"]?.boolValue ?? false
      let opened = sub.isEmpty ? nil : try entry(name, sub)
      return RuntimeSpec.Mount(
        source: opened?.path ?? directory + "/" + name, destination: mount["mountPath"]?.stringValue ?? "/",
        isReadOnly: isReadOnly || volume["emptyDir"] == nil, opened: opened)
    }
    if mountsAccount {
      mounts.append(
        RuntimeSpec.Mount(source: directory + "/" + Self.accountVolume, destination: Self.accountPath, isReadOnly: true)
      )
    }
    func depth(_ mount: RuntimeSpec.Mount) -> Int { EntryName.split(mount.destination).count }
    return mounts.sorted { depth($0) < depth($1) }
  }

  /// Opens what a subPath names, and makes directories that are missing. A container may have put links there, and may
  /// put others in their place at any time: each part is opened from the one before, and the result is mounted by its
  /// descriptor.
  private func entry(_ name: String, _ sub: String) throws -> HeldEntry {
    guard EntryName.parts(of: sub) != nil else {
      throw LabNodeError(.containerConfig, "subPath \(sub) must be relative and without \"..\"")
    }
    do throws(HeldEntry.Failure) {
      return try HeldEntry.find(sub, in: directory + "/" + name, root: .refused, makes: true)
    } catch {
      switch error {
      case .leadsOut, .missing:
        throw LabNodeError(.containerConfig, "subPath \(sub) leads out of the volume \(name)")
      case .system(let code):
        throw LabNodeError(
          .containerConfig, "subPath \(sub) of the volume \(name) cannot be opened: \(Files.reason(code))")
      }
    }
  }
}
