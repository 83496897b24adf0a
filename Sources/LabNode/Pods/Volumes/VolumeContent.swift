import KubeObjects
import LabStore

/// The files of a volume that comes from the cluster's objects: configMap, secret, downwardAPI, projected.
struct VolumeContent: Sendable {
  let store: any ObjectStoring
  let pod: PodReference
  let token: String
  let authority: String

  /// - Returns: nil for a volume that is not made of objects.
  /// - Throws: `volume` in the kubelet's words where a source that is not optional is missing.
  func files(of volume: JSONValue) async throws -> [VolumeFile]? {
    if let source = volume["configMap"] {
      return try await files(source, .configMaps, source["name"], mode: Self.mode(source, "defaultMode"))
    }
    if let source = volume["secret"] {
      return try await files(source, .secrets, source["secretName"], mode: Self.mode(source, "defaultMode"))
    }
    if let source = volume["downwardAPI"] { return try downward(source, mode: Self.mode(source, "defaultMode")) }
    guard let projected = volume["projected"] else { return nil }
    let mode = Self.mode(projected, "defaultMode")
    var all: [String: VolumeFile] = [:]
    for source in projected["sources"]?.elements ?? [] {
      for file in try await projectedFiles(source, mode) { all[file.path] = file }
    }
    return all.values.sorted { $0.path < $1.path }
  }

  private func projectedFiles(_ source: JSONValue, _ mode: UInt32) async throws -> [VolumeFile] {
    if let map = source["configMap"] {
      if map["name"]?.stringValue == Self.authorityMap, !authority.isEmpty {
        return [VolumeFile(path: "ca.crt", bytes: Array(authority.utf8), mode: mode)]
      }
      return try await files(map, .configMaps, map["name"], mode: mode)
    }
    if let secret = source["secret"] { return try await files(secret, .secrets, secret["name"], mode: mode) }
    if let downward = source["downwardAPI"] { return try self.downward(downward, mode: mode) }
    if let request = source["serviceAccountToken"] {
      return [
        VolumeFile(
          path: try Self.checked(request["path"]?.stringValue ?? "token"), bytes: Array(token.utf8), mode: mode)
      ]
    }
    throw LabNodeError(.volume, "projected volume source of a kind that the lab does not know: \(source)")
  }

  private func files(_ source: JSONValue, _ resource: Resource, _ name: JSONValue?, mode: UInt32) async throws
    -> [VolumeFile]
  {
    let name = name?.stringValue ?? ""
    let isOptional = source["optional"]?.boolValue ?? false
    guard let object = try? await store.get(ObjectKey(resource, namespace: pod.namespace, name: name)) else {
      if isOptional { return [] }
      throw LabNodeError(.volume, "\(resource == .secrets ? "secret" : "configmap") \"\(name)\" not found")
    }
    let entries = ObjectData.entries(of: object)
    guard let items = source["items"]?.arrayValue else {
      return try entries.sorted { $0.key < $1.key }.map {
        VolumeFile(path: try Self.checked($0.key), bytes: $0.value, mode: mode)
      }
    }
    return try items.compactMap { item in
      let key = item["key"]?.stringValue ?? ""
      guard let bytes = entries[key] else {
        if isOptional { return nil }
        throw LabNodeError(.volume, "references non-existent \(resource == .secrets ? "secret" : "config") key: \(key)")
      }
      return VolumeFile(
        path: try Self.checked(item["path"]?.stringValue ?? key), bytes: bytes,
        mode: Self.mode(item, "mode", fallback: mode))
    }
  }

  private func downward(_ source: JSONValue, mode: UInt32) throws -> [VolumeFile] {
    try (source["items"]?.elements ?? []).map { item in
      let text =
        if let path = item[path: "fieldRef", "fieldPath"]?.stringValue { try FieldReference.value(path, of: pod) } else
        {
          try ResourceReference.value(item["resourceFieldRef"] ?? [:], of: pod, in: [:])
        }
      return VolumeFile(
        path: try Self.checked(item["path"]?.stringValue ?? ""), bytes: Array(text.utf8),
        mode: Self.mode(item, "mode", fallback: mode))
    }
  }

  /// The ConfigMap that every namespace of a real cluster has.
  static let authorityMap = "kube-root-ca.crt"

  private static func mode(_ source: JSONValue, _ key: String, fallback: UInt32 = 0o644) -> UInt32 {
    source[key]?.intValue.map { UInt32($0 & 0o777) } ?? fallback
  }

  private static func checked(_ path: String) throws -> String {
    // Names that begin with two dots are the volume's own.
    guard let parts = EntryName.parts(of: path), let first = parts.first, !first.utf8.starts(with: "..".utf8) else {
      throw LabNodeError(
        .volume, "a volume's path must be relative, without \"..\", and not begin with \"..\": \(path)")
    }
    return path
  }
}
