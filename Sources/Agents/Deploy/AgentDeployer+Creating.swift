import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

extension AgentDeployer {
  /// No tuple: one with a `Result` does not survive an optimized build.
  private struct Creation: Sendable {
    var object: JSONValue?
    var error: ControlError?
  }

  /// Creates the objects that the agent's Deployment owns, all at once.
  func createAll(_ objects: [(JSONValue, APIResource)]) async throws(ControlError) -> [JSONValue] {
    let creations: [Creation] = await withTaskGroup(of: Creation.self) { group in
      for (object, resource) in objects {
        group.addTask {
          do throws(ControlError) {
            return Creation(object: try await create(object, as: resource))
          } catch {
            return Creation(error: error)
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    if let first = creations.lazy.compactMap(\.error).first { throw first }
    return creations.compactMap(\.object)
  }

  /// Creates an object. One of that name may be left of an agent whose Deployment is gone: after a crash, or where
  /// somebody deleted it without what it owned. Our own is replaced, another's is named.
  private func create(_ object: JSONValue, as resource: APIResource) async throws(ControlError) -> JSONValue {
    let what = "\(resource.kind) \(object.place)"
    var replaced = 0
    while true {
      do throws(KubeError) {
        return try await client.create(object, as: resource, namespace: manifests.namespace)
      } catch {
        // Another program may make it again and again: stop after a few attempts.
        guard error.isAlreadyExists, replaced < 3 else { throw ControlError(error, doing: "creating \(what)") }
        replaced += 1
        if let name = object.name { try await removeLeftover(resource, name, what) }
      }
    }
  }

  private func removeLeftover(_ resource: APIResource, _ name: String, _ what: String) async throws(ControlError) {
    let found = try await attempt("looking for \(what)") { () async throws(KubeError) in
      try await client.find(resource, name, namespace: manifests.namespace)
    }
    guard let found else { return }
    guard isOwn(found) else {
      let whose = Holder(of: found).map { "was made by \($0.told(to: manifests.holder))" } ?? "does not say whose it is"
      throw ControlError(
        .conflict, "\(what) is in the way of the agent's: it exists already, and \(whose)",
        remedy: """
          If nobody needs it: kubectl delete \(resource.kind.lowercased()) -n \(manifests.namespace) \(name). Then try \
          again.
          """)
    }
    do throws(KubeError) {
      try await client.delete(
        resource, name, namespace: manifests.namespace, propagation: .background, uid: found.uid)
    } catch {
      // Another one took its place meanwhile: it is looked at when the next attempt fails.
      guard !error.isNotFound, !error.isConflict else { return }
      throw ControlError(error, doing: "deleting \(what), which an earlier agent left")
    }
  }

  /// Checks whether this installation made an object. The person's or the machine's name may have changed since.
  private func isOwn(_ found: JSONValue) -> Bool {
    guard found.labels[AgentNames.managedByLabel] == AgentNames.managedBy,
      AgentNames.isOf(found, manifests.workload), let owner = Holder(of: found)
    else { return false }
    return owner == manifests.holder
      || owner.installation != nil && owner.installation == manifests.holder.installation
  }
}
