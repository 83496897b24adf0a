import KubeAPI
import KubeObjects
import Manifests

extension Deployer {
  /// Returns the run's objects in the cluster: all with its label that no controller made. Asks the
  /// cluster once, kind by kind.
  func inventory() async throws(DeployError) -> [RunObject] {
    if let known = memory.inventory { return known }
    let resources = try await attempt("asking the API server for its kinds") { () async throws(KubeError) in
      try await client.allResources()
    }
    let kinds = resources.filter {
      $0.verbs.isSuperset(of: ["list", "delete"]) && !Self.derived.contains($0.resource.plural)
    }.map(\.resource)
    let places = memory.namespaces.union([namespace])
    let results = await withTaskGroup(of: Result<[RunObject], KubeError>.self) { group in
      for kind in kinds {
        group.addTask {
          do throws(KubeError) { return .success(try await listed(kind, in: places)) } catch { return .failure(error) }
        }
      }
      return await group.reduce(into: [Result<[RunObject], KubeError>]()) { $0.append($1) }
    }
    let objects = try await attempt("looking for the objects of \(run)") { () async throws(KubeError) in
      var objects: [RunObject] = []
      for result in results { objects += try result.get() }
      return objects
    }
    memory.set(inventory: objects)
    return objects
  }

  /// Lists a kind everywhere, or, if that is forbidden, in the namespaces that the run deploys into.
  private func listed(_ kind: APIResource, in places: Set<String>) async throws(KubeError) -> [RunObject] {
    do { return try await listed(kind, namespace: nil) } catch {
      guard error.statusCode != nil else { throw error }
      guard error.isForbidden, kind.namespaced else { return [] }
    }
    var found: [RunObject] = []
    for place in places.sorted() {
      do { found += try await listed(kind, namespace: place) } catch {
        // The run cannot have made objects that its user may not list.
        guard error.statusCode != nil else { throw error }
      }
    }
    return found
  }

  private func listed(_ kind: APIResource, namespace: String?) async throws(KubeError) -> [RunObject] {
    try await client.listMetadata(kind, namespace: namespace, labels: RunLabel.selector(run)).compactMap {
      Self.own($0, kind)
    }
  }

  /// Controllers copy a Service's labels to these, without an owner reference.
  private static let derived: Set<String> = ["endpoints", "endpointslices", "events"]

  private static func own(_ object: JSONValue, _ resource: APIResource) -> RunObject? {
    // Pods and ReplicaSets have the label from a template.
    guard object.controllerReference == nil, !object.isBeingDeleted, let name = object.name, let uid = object.uid else {
      return nil
    }
    let id = ObjectID(apiVersion: resource.apiVersion, kind: resource.kind, namespace: object.namespace, name: name)
    return RunObject(id: id, resource: resource, uid: uid, isMirror: object.annotations[RunLabel.mirroredFrom] != nil)
  }
}
