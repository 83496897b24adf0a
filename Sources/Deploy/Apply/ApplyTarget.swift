import KubeAPI
import KubeObjects
import Manifests

/// A manifest, ready to be applied.
struct ApplyTarget: Sendable {
  /// With its namespace.
  var id: ObjectID
  /// Labelled; with its namespace.
  var object: JSONValue
  var position: SourcePosition?
  var phase: ApplyPhase
  /// Nil for a kind whose definition is applied in the same call.
  var resource: APIResource?
  /// True if a server-side apply would refuse an entry that is there twice.
  var hasDuplicates = false
  var isOfOwnDefinition: Bool { resource == nil }
}

extension Deployer {
  /// Finds kinds and namespaces.
  /// - Throws: all faults at once; nothing has been applied then.
  func resolve(_ manifests: [Manifest], _ warnings: inout [String]) async throws(DeployError) -> [ApplyTarget] {
    let versions = Set(manifests.map(\.apiVersion)).subtracting([""])
    try await attempt("asking the API server for its kinds") { () async throws(KubeError) in
      try await kinds.load(versions)
    }
    let own = Self.defined(by: manifests)
    var targets: [ApplyTarget] = []
    var errors: [DeployError] = []
    for manifest in manifests {
      do throws(DeployError) { targets.append(try await target(manifest, own: own, &warnings)) } catch {
        errors.append(error)
      }
    }
    if var first = errors.first {
      first.others = Array(errors.dropFirst())
      throw first
    }
    return Self.unique(targets, &warnings)
  }

  private func target(_ manifest: Manifest, own: [String: Bool], _ warnings: inout [String])
    async throws(DeployError) -> ApplyTarget
  {
    guard !manifest.apiVersion.isEmpty, !manifest.kind.isEmpty else {
      throw DeployError(
        .invalid, "an object without apiVersion or kind", position: manifest.position,
        remedy: "Say what kind of object it is.")
    }
    guard !manifest.name.isEmpty else {
      throw DeployError(
        .invalid, "\(manifest.kind) without metadata.name", position: manifest.position,
        remedy: "Give it a name: an object is applied by its name, also one with generateName.")
    }
    let resource = try await attempt("asking the API server for \(manifest.apiVersion)") { () async throws(KubeError) in
      try await kinds.find(apiVersion: manifest.apiVersion, kind: manifest.kind)
    }
    guard let namespaced = resource?.namespaced ?? own["\(manifest.apiVersion)/\(manifest.kind)"] else {
      throw unknown(manifest)
    }
    let duplicates = Duplicates(manifest.object)
    warnings += duplicates.warnings(manifest.id, manifest.position)
    var object = duplicates.object
    object.namespace = namespaced ? manifest.namespace ?? namespace : nil
    let phase = ApplyPhase.of(apiVersion: manifest.apiVersion, kind: manifest.kind)
    // The run deletes only a namespace that it made itself: `marked(namespaces:)` finds out.
    if phase != .namespaces { object = RunLabel.mark(object, run: run) }
    // The server's own members make an apply fail, or mean another object.
    for member in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"] {
      object[path: "metadata", member] = nil
    }
    object["status"] = nil
    var id = manifest.id
    id.namespace = object.namespace
    return ApplyTarget(
      id: id, object: object, position: manifest.position, phase: phase, resource: resource,
      hasDuplicates: duplicates.remain)
  }

  private func unknown(_ manifest: Manifest) -> DeployError {
    DeployError(
      .unknownKind, "the cluster has no kind \(manifest.kind) in \(manifest.apiVersion)", object: manifest.id,
      position: manifest.position,
      remedy: manifest.apiVersion.contains(".") && !manifest.apiVersion.contains(".k8s.io/")
        ? "Install its CustomResourceDefinition, put that into the manifests too, or leave the object out here."
        : "`kubectl api-resources` lists what it has: perhaps the kind has moved to another version.")
  }

  func resource(of target: ApplyTarget) async throws(DeployError) -> APIResource {
    if let resource = target.resource { return resource }
    // Its definition is established; discovery follows a moment later.
    for _ in 0..<100 {
      let found = try await attempt("asking the API server for \(target.id.apiVersion)") { () async throws(KubeError) in
        try await kinds.find(apiVersion: target.id.apiVersion, kind: target.id.kind)
      }
      if let found { return found }
      do { try await Task.sleep(for: .milliseconds(20)) } catch {
        throw DeployError(.cancelled, "cancelled", object: target.id)
      }
    }
    throw DeployError(
      .unknownKind,
      "its CustomResourceDefinition has been applied, but the API server does not serve \(target.id.apiVersion)",
      object: target.id,
      position: target.position, remedy: "Check `spec.versions` of the definition: the version must be `served`.")
  }

  /// Returns the kinds that the manifests' CRDs define, and whether they are namespaced.
  private static func defined(by manifests: [Manifest]) -> [String: Bool] {
    manifests.filter { $0.kind == "CustomResourceDefinition" }.reduce(into: [:]) { kinds, manifest in
      guard let spec = manifest.object["spec"], let group = spec["group"]?.stringValue,
        let kind = spec[path: "names", "kind"]?.stringValue
      else { return }
      for version in spec["versions"]?.elements ?? [] {
        if let name = version["name"]?.stringValue {
          kinds["\(group)/\(name)/\(kind)"] = spec["scope"]?.stringValue != "Cluster"
        }
      }
    }
  }

  /// Keeps the later of two manifests of one object, as with one apply after the other.
  private static func unique(_ targets: [ApplyTarget], _ warnings: inout [String]) -> [ApplyTarget] {
    var places: [RunMemory.Key: Int] = [:]
    var result: [ApplyTarget] = []
    for target in targets {
      if let index = places[RunMemory.Key(target.id)] {
        warnings.append(
          "\(at: target.position)\(target.id) is in the manifests twice: this one counts")
        result[index] = target
      } else {
        places[RunMemory.Key(target.id)] = result.count
        result.append(target)
      }
    }
    return result
  }
}
