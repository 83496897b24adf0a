import KubeAPI
import KubeObjects
import Manifests

extension Deployer {
  /// Makes the targets' missing namespaces. They get the run's label, and are deleted with the run.
  /// - Returns: those that were made.
  func makeNamespaces(for targets: [ApplyTarget]) async throws(DeployError) -> [String] {
    let own = Set(targets.filter { $0.phase == .namespaces }.map(\.id.name))
    let wanted = Set(targets.compactMap(\.id.namespace)).subtracting(own).subtracting(memory.namespaces)
    var made: [String] = []
    for name in wanted.sorted() where try await makeNamespace(name, for: targets) { made.append(name) }
    memory.note(namespaces: wanted)
    return made
  }

  /// Labels Namespaces that the manifests hold and the cluster lacks, or that the run made before: the
  /// run deletes only those.
  func marked(namespaces: [ApplyTarget]) async throws(DeployError) -> [ApplyTarget] {
    var targets = namespaces
    for (index, target) in namespaces.enumerated() {
      let found = try await attempt("looking for namespace \(target.id.name)") { () async throws(KubeError) in
        try await client.find(.namespaces, target.id.name)
      }
      if found == nil || found?.labels[RunLabel.key] == run {
        targets[index].object = RunLabel.mark(target.object, run: run)
      }
    }
    return targets
  }

  /// - Returns: false if it existed.
  private func makeNamespace(_ name: String, for targets: [ApplyTarget]) async throws(DeployError) -> Bool {
    let user = targets.first { $0.id.namespace == name }
    let found: JSONValue?
    do { found = try await client.find(.namespaces, name) } catch {
      // A user who may not read namespaces may still apply objects in one.
      if error.isForbidden { return false }
      throw DeployError(error, doing: "looking for namespace \(name)")
    }
    if let found {
      guard found.isBeingDeleted else { return false }
      try await attempt("waiting until the old namespace \(name) is gone") { () async throws(KubeError) in
        try await client.waitGone(.namespaces, found, namespace: nil)
      }
    }
    guard options.createNamespaces else {
      throw DeployError(
        .namespace, "its namespace \(name) is not in the cluster", object: user?.id, position: user?.position,
        remedy: "Make it: kubectl create namespace \(name).")
    }
    let object: JSONValue = [
      "apiVersion": "v1", "kind": "Namespace",
      "metadata": ["name": JSONValue(name), "labels": [RunLabel.key: JSONValue(run)]],
    ]
    do { try await client.create(object, as: .namespaces) } catch {
      if error.isConflict { return false }
      throw DeployError(error, doing: "making namespace \(name)", object: user?.id, position: user?.position)
    }
    // It is part of the inventory now.
    memory.set(inventory: nil)
    return true
  }
}

extension KubeClient {
  /// Waits until an object, as it was read, is gone.
  func waitGone(_ resource: APIResource, _ object: JSONValue, namespace: String?) async throws(KubeError) {
    guard let name = object.name, let uid = object.uid else { return }
    try await waitGone(resource, name, namespace: namespace, uid: uid)
  }

  /// Waits, by a watch, until this very object is gone.
  func waitGone(_ resource: APIResource, _ name: String, namespace: String?, uid: String) async throws(KubeError) {
    var events = watch(
      resource, namespace: resource.namespaced ? namespace ?? access.namespace : nil, fields: "metadata.name=\(name)"
    ).makeAsyncIterator()
    var isThere = false
    while let event = try await events.next(isolation: #isolation) {
      switch event {
      case .added(let object), .modified(let object): isThere = object.uid == uid
      case .deleted: isThere = false
      case .bookmark: break
      }
      // The first bookmark ends the list: absence is certain only after it.
      if case .added = event { continue }
      if !isThere { return }
    }
    throw .cancelled
  }
}
