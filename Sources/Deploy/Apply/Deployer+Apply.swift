import KubeAPI
import KubeObjects
import Manifests

extension Deployer {
  /// Applies all manifests by server-side apply (field manager `devtunnel`, force): Namespaces, then CRDs
  /// (until they are established), then the rest, workloads last. A wrong kind or a missing name is found
  /// before anything is applied.
  /// - Throws: every object that the server refused, the others in `DeployError.others`; all the rest has been applied.
  public func apply(_ manifests: [Manifest]) async throws(DeployError) -> Applied {
    var applied = Applied()
    let targets = try await resolve(manifests, &applied.warnings)
    defer { scope.note(namespaces: applied.namespaces) }
    var errors: [DeployError] = []
    for phase in ApplyPhase.allCases {
      if phase == .definitions { applied.createdNamespaces = try await makeNamespaces(for: targets) }
      var batch = targets.filter { $0.phase == phase }
      guard !batch.isEmpty else { continue }
      if phase == .namespaces { batch = try await marked(namespaces: batch) }
      for outcome in await applyAll(batch) {
        if let object = outcome.object { applied.objects.append(object) }
        applied.createdNamespaces += outcome.createdNamespaces
        applied.warnings += outcome.warnings
        if let error = outcome.error { errors.append(error) }
      }
      // Without its namespace or definition, an object's own error would say less.
      if phase < .supports, !errors.isEmpty { break }
      if phase == .definitions {
        try await waitEstablished(applied.objects.filter { $0.id.kind == "CustomResourceDefinition" })
      }
    }
    if var first = errors.first {
      first.others = Array(errors.dropFirst())
      first.applied = applied
      throw first
    }
    return applied
  }

  /// Not a tuple with a `Result`: see `KindTable`.
  private struct Outcome: Sendable {
    let index: Int
    var object: AppliedObject?
    var warnings: [String] = []
    /// Made for this object, after they had disappeared.
    var createdNamespaces: [String] = []
    var error: DeployError?
  }

  private func applyAll(_ batch: [ApplyTarget]) async -> [Outcome] {
    await withTaskGroup(of: Outcome.self) { group in
      for (index, target) in batch.enumerated() {
        group.addTask {
          var outcome = Outcome(index: index)
          do throws(DeployError) {
            try await applyOne(target, &outcome)
          } catch {
            outcome.error = error
          }
          return outcome
        }
      }
      var outcomes: [Outcome] = []
      for await outcome in group { outcomes.append(outcome) }
      return outcomes.sorted { $0.index < $1.index }
    }
  }

  private func applyOne(_ target: ApplyTarget, _ outcome: inout Outcome) async throws(DeployError) {
    var isRecreated = false
    var mayMakeNamespace = options.createNamespaces
    while true {
      let resource = try await resource(of: target)
      do throws(KubeError) {
        // A Pod has no generations of Pods: the former containers are known by their instances alone.
        let former =
          resource == .pods
          ? try await client.find(resource, target.id.name, namespace: target.id.namespace) : nil
        let state = try await send(target, resource)
        guard let uid = state.object.uid, let version = state.object.resourceVersion else {
          throw KubeError.badResponse(
            server: client.access.server.description, problem: "the applied object has no uid, or no version")
        }
        let object = AppliedObject(
          id: target.id, resource: resource, uid: uid, generation: state.object.generation ?? 0,
          resourceVersion: version, change: .changed, position: target.position)
        var result = object
        if let former { result.replaced = PodState.replaced(former, by: state.object) }
        result.change = memory.note(object, isNew: state.isNew)
        scope.note(uid: object.uid)
        if isRecreated { result.change = .recreated }
        outcome.object = result
        outcome.warnings += state.warnings.map { "\(at: target.position)\(target.id): \($0)" }
        return
      } catch {
        let refusal = DeployError(error, doing: "applying it", object: target.id, position: target.position)
        if refusal.code == .immutable, options.recreate || resource == .jobs, !isRecreated {
          isRecreated = true
          guard try await remove(target, resource) else { throw refusal }
          // A Job's template never changes, and its Pods are done or would be done again.
          if !options.recreate {
            outcome.warnings.append(
              "\(at: target.position)\(target.id): a Job cannot be changed, so it is deleted and made again")
          }
        } else if refusal.code == .namespace, error.isNotFound, mayMakeNamespace {
          mayMakeNamespace = false
          memory.forgetNamespaces()
          outcome.createdNamespaces = try await makeNamespaces(for: [target])
        } else {
          throw refusal
        }
      }
    }
  }

  /// Applies an object; retries one of a new kind, which is not served everywhere yet.
  private func send(_ target: ApplyTarget, _ resource: APIResource) async throws(KubeError) -> AppliedState {
    if target.hasDuplicates { return try await replace(target, resource) }
    var tries = 0
    while true {
      do {
        return try await client.apply(target.object, as: resource, namespace: target.id.namespace, force: true)
      } catch {
        tries += 1
        guard target.isOfOwnDefinition, error.isNotFound, tries < 50 else { throw error }
        do { try await Task.sleep(for: .milliseconds(20)) } catch { throw .cancelled }
      }
    }
  }

  /// Creates an object, or lays it over the present one, as `kubectl apply` does: fields that no manifest sets stay.
  private func replace(_ target: ApplyTarget, _ resource: APIResource) async throws(KubeError) -> AppliedState {
    var tries = 0
    while true {
      do {
        guard let found = try await client.find(resource, target.id.name, namespace: target.id.namespace) else {
          let made = try await client.create(target.object, as: resource, namespace: target.id.namespace)
          return AppliedState(object: made, isNew: true, warnings: [])
        }
        let merged = Self.laid(target.object, over: found)
        let updated = try await client.update(merged, as: resource, namespace: target.id.namespace)
        return AppliedState(object: updated, isNew: false, warnings: [])
      } catch {
        // Somebody else was faster.
        tries += 1
        guard case .status(409, _, _, _) = error, tries < 5 else { throw error }
      }
    }
  }

  /// Lays an object over another: mappings are merged, all else is replaced.
  static func laid(_ new: JSONValue, over old: JSONValue) -> JSONValue {
    guard case .object(let members) = new, case .object(var result) = old else { return new }
    for (key, value) in members { result[key] = result[key].map { laid(value, over: $0) } ?? value }
    return .object(result)
  }

  /// Deletes an object that is to be made again.
  /// - Returns: false if it may not be deleted.
  private func remove(_ target: ApplyTarget, _ resource: APIResource) async throws(DeployError) -> Bool {
    let (name, namespace) = (target.id.name, target.id.namespace)
    do {
      guard let found = try await client.find(resource, name, namespace: namespace) else { return true }
      guard Self.mayRecreate(found, as: target.object, isAsked: options.recreate) else { return false }
      try await client.delete(resource, name, namespace: namespace, propagation: .background, uid: found.uid)
      if let uid = found.uid { try await client.waitGone(resource, name, namespace: namespace, uid: uid) }
      return true
    } catch {
      guard !error.isNotFound else { return true }
      throw DeployError(error, doing: "deleting it to make it again", object: target.id, position: target.position)
    }
  }

  /// Checks whether an object may be deleted to be made again: one that this run has made, or any if the user asks for
  /// that (`--recreate`).
  static func mayRecreate(_ found: JSONValue, as wanted: JSONValue, isAsked: Bool) -> Bool {
    isAsked || found.labels[RunLabel.key] != nil && found.labels[RunLabel.key] == wanted.labels[RunLabel.key]
  }
}
