import KubeAPI
import KubeObjects
import Manifests

extension Deployer {
  /// Deletes the run's other objects in the cluster. Mirrored objects stay, and so do the run's
  /// namespaces that still hold something.
  /// - Parameter keeping: the objects just applied: `Applied.ids`, or the manifests' own.
  /// - Returns: the objects being deleted.
  /// - Throws: every object that the server did not delete, the others in `DeployError.others`; all the rest, in
  ///   `DeployError.deleted`, is being deleted.
  public func prune(keeping: [ObjectID]) async throws(DeployError) -> [ObjectID] {
    // Without a namespace an ID may be of a cluster-wide kind, or mean our namespace.
    let keys = Set(keeping.flatMap { [RunMemory.Key($0), RunMemory.Key(inOwnNamespace($0))] })
    let namespaces = Set(keeping.map { $0.namespace ?? namespace })
    let objects = try await inventory()
    let leaving = objects.filter { object in
      if object.isMirror || keys.contains(RunMemory.Key(object.id)) { return false }
      return
        !(object.resource == .namespaces
        && (namespaces.contains(object.id.name)
          || objects.contains { $0.isMirror && $0.id.namespace == object.id.name }))
    }
    return try await delete(leaving, gracePeriod: nil).get()
  }

  /// Deletes all the run's objects in the cluster, with mirrored objects and the namespaces it made.
  /// - Parameters:
  ///   - gracePeriod: seconds that Pods have to end, nil for their own.
  ///   - waiting: also waits until the objects, and the Pods of the run, are gone.
  /// - Returns: the objects being deleted.
  /// - Throws: as `prune`.
  public func delete(gracePeriod: Int? = nil, waiting: Bool = false) async throws(DeployError) -> [ObjectID] {
    // Another process may have applied something: ask the cluster.
    memory.set(inventory: nil)
    let objects = try await inventory()
    let deletion = await delete(objects, gracePeriod: gracePeriod)
    memory.set(inventory: nil)
    memory.forgetNamespaces()
    let gone = try deletion.get()
    if gracePeriod != nil { await endPods(of: objects, gracePeriod) }
    if waiting { try await waitGone(objects) }
    return gone
  }

  private func inOwnNamespace(_ id: ObjectID) -> ObjectID {
    var id = id
    id.namespace = id.namespace ?? namespace
    return id
  }

  private func delete(_ objects: [RunObject], gracePeriod: Int?) async -> Deletion {
    var deletion = Deletion()
    let phases = Dictionary(grouping: objects) { ApplyPhase.of(apiVersion: $0.id.apiVersion, kind: $0.id.kind) }
    for phase in ApplyPhase.allCases.reversed() where deletion.allows(phase) {
      let batch = phases[phase] ?? []
      let results = await withTaskGroup(of: (RunObject, KubeError?).self) { group in
        for object in batch {
          group.addTask { [client, run] in
            do throws(KubeError) {
              // If another run has applied the object since it was found, it has that run's label.
              let found = try await client.find(object.resource, object.id.name, namespace: object.id.namespace)
              guard let found, found.labels[RunLabel.key] == run else {
                return (object, .status(code: 404, reason: "NotFound", message: "", details: nil))
              }
              try await client.delete(
                object.resource, object.id.name, namespace: object.id.namespace, propagation: .background,
                gracePeriod: object.resource == .pods ? gracePeriod : nil, uid: object.uid)
              return (object, nil)
            } catch {
              return (object, error)
            }
          }
        }
        return await group.reduce(into: [(RunObject, KubeError?)]()) { $0.append($1) }
      }
      for (object, error) in results.sorted(by: { $0.0.id.description < $1.0.id.description }) {
        if deletion.note(object.id, error) { memory.forget(object.id) }
      }
    }
    return deletion
  }

  private func endPods(of objects: [RunObject], _ gracePeriod: Int?) async {
    for namespace in Set(objects.compactMap(\.id.namespace)) {
      for pod in (try? await client.list(.pods, namespace: namespace, labels: RunLabel.selector(run)))?.items ?? [] {
        guard let name = pod.name else { continue }
        _ = try? await client.delete(.pods, name, namespace: namespace, gracePeriod: gracePeriod, uid: pod.uid)
      }
    }
  }

  private func waitGone(_ objects: [RunObject]) async throws(DeployError) {
    for object in objects {
      do {
        try await client.waitGone(object.resource, object.id.name, namespace: object.id.namespace, uid: object.uid)
      } catch {
        // Its kind may be gone with its definition.
        if error.isNotFound { continue }
        throw DeployError(error, doing: "waiting until it is gone", object: object.id)
      }
    }
    for namespace in Set(objects.compactMap(\.id.namespace)) {
      try await attempt("waiting until the Pods are gone") { () async throws(KubeError) in
        for pod in try await client.list(.pods, namespace: namespace, labels: RunLabel.selector(run)).items {
          try await client.waitGone(.pods, pod, namespace: namespace)
        }
      }
    }
  }
}
