import Glibc
import KubeObjects
import LabStore

/// A Pod's volumes as directories of the node.
struct PodVolumes: Sendable {
  let content: VolumeContent
  let directory: String

  static let accountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
  private static let accountVolume = "kube-api-access"

  private var pod: PodReference { content.pod }
  private var group: UInt32? {
    pod.spec[path: "securityContext", "fsGroup"]?.intValue.map { UInt32(truncatingIfNeeded: $0) }
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

  /// Makes every volume, or brings those made of objects up to date.
  /// - Throws: `volume`.
  func write() async throws {
    for volume in volumes {
      guard let name = volume["name"]?.stringValue else { continue }
      let path = directory + "/" + name
      if let files = try await content.files(of: volume) {
        try AtomicDirectory(path: path, group: group).write(files)
      } else if volume["emptyDir"] != nil {
        if !Files.exists(path) { try makeEmptyDirectory(path) }
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

  private func makeEmptyDirectory(_ path: String) throws {
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
    var mounts = try (container["volumeMounts"]?.elements ?? []).map { mount -> RuntimeSpec.Mount in
      let name = mount["name"]?.stringValue ?? ""
      guard let volume = volumes.first(where: { $0["name"]?.stringValue == name }) else {
        throw LabNodeError(.containerConfig, "volumeMount \"\(name)\" has no volume")
      }
      let sub =
        mount["subPath"]?.stringValue ?? mount["subPathExpr"]?.stringValue.map {
          VariableExpansion.expand($0, variables)
        } ?? ""
      let isReadOnly = mount["readOnly"]?.boolValue ?? false
      return RuntimeSpec.Mount(
        source: try source(name, sub), destination: mount["mountPath"]?.stringValue ?? "/",
        isReadOnly: isReadOnly || volume["emptyDir"] == nil)
    }
    if mountsAccount {
      mounts.append(
        RuntimeSpec.Mount(source: directory + "/" + Self.accountVolume, destination: Self.accountPath, isReadOnly: true)
      )
    }
    func depth(_ mount: RuntimeSpec.Mount) -> Int { mount.destination.split(separator: "/").count }
    return mounts.sorted { depth($0) < depth($1) }
  }

  private func source(_ name: String, _ sub: String) throws -> String {
    let root = directory + "/" + name
    guard !sub.isEmpty else { return root }
    guard !sub.hasPrefix("/"), !sub.split(separator: "/").contains("..") else {
      throw LabNodeError(.containerConfig, "subPath \(sub) must be relative and without \"..\"")
    }
    if !Files.exists(root + "/" + sub) { try Files.makeDirectory(root + "/" + sub, mode: 0o777) }
    // A container may have put a symlink there that points out.
    guard let real = Files.resolved(root + "/" + sub), let home = Files.resolved(root), real.hasPrefix(home + "/")
    else {
      throw LabNodeError(.containerConfig, "subPath \(sub) leads out of the volume \(name)")
    }
    return real
  }
}
