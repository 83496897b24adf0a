import KubeObjects
import LabStore

/// Gives each namespace its default ServiceAccount, and empties one that is being deleted.
struct NamespaceController: Controller {
  let store: any ObjectStoring

  var name: String { "namespace" }
  var triggers: [Trigger] {
    [.itself(.namespaces)]
      + KindTable.all.filter(\.isNamespaced).map { kind in
        Trigger(kind.resource) { object, previous in
          // Only what left can have been the last thing in a namespace.
          previous == nil ? [] : [ObjectKey(.namespaces, namespace: "", name: object.namespace)]
        }
      }
  }

  func reconcile(_ key: ObjectKey) async throws -> Duration? {
    guard let namespace = try? await store.get(key) else { return nil }
    if namespace.isTerminating { return try await empty(key) }
    let account: JSONValue = [
      "apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default", "namespace": .string(key.name)],
    ]
    if (try? await store.get(ObjectKey(.serviceAccounts, namespace: key.name, name: "default"))) == nil {
      _ = try await store.create(.serviceAccounts, account)
    }
    return nil
  }

  private func empty(_ key: ObjectKey) async throws -> Duration? {
    _ = try await store.update(key) { $0[path: "status", "phase"] = "Terminating" }
    var remaining = 0
    for kind in KindTable.all where kind.isNamespaced {
      for object in await store.list(kind.resource, namespace: key.name).items {
        remaining += 1
        guard !object.isTerminating else { continue }
        let last = try await store.delete(
          object.key(kind.resource), grace: Deletion.grace(of: object, kind, asked: nil))
        if !last.isTerminating { remaining -= 1 }
      }
    }
    guard remaining == 0 else { return .milliseconds(500) }
    _ = try await store.update(key) { $0[path: "spec", "finalizers"] = nil }
    _ = try await store.delete(key, grace: nil)
    return nil
  }
}
