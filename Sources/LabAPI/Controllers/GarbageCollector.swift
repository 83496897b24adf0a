import KubeObjects
import LabStore
import Logging

/// Deletes objects without an owner, and carries out deletions in the foreground and those that orphan.
struct GarbageCollector: Sendable {
  static let foregroundFinalizer = "foregroundDeletion"
  static let orphanFinalizer = "orphan"

  let store: any ObjectStoring
  let logger: Logger

  func run() async {
    await withDiscardingTaskGroup { group in
      for kind in KindTable.all { group.addTask { await watch(kind) } }
    }
  }

  private func watch(_ kind: ResourceKind) async {
    while !Task.isCancelled {
      let (items, revision) = await store.list(kind.resource, namespace: nil)
      for item in items {
        await look(at: WatchEvent(kind: .modified, object: item, previous: nil, revision: revision), kind)
      }
      guard let events = try? await store.watch(kind.resource, after: revision) else { continue }
      for await event in events { await look(at: event, kind) }
    }
  }

  private func look(at event: WatchEvent, _ kind: ResourceKind) async {
    do {
      let object = event.object
      if event.kind == .deleted {
        for dependent in await dependents(of: object.uid) {
          try await unlessGone { try await collect(dependent.object, dependent.kind) }
        }
        try await finishOwners(of: object)
        return
      }
      if !object.ownerReferences.isEmpty, !object.isTerminating { try await collect(object, kind) }
      if object.isTerminating { try await carryOut(object, kind) }
    } catch StoreError.notFound {
      // Gone meanwhile, which is what was wanted.
    } catch {
      logger.error(
        "garbage collection failed",
        metadata: ["object": "\(event.object.namespace)/\(event.object.name)", "error": "\(error)"])
    }
  }

  /// A dependent that another client has just deleted is no reason to leave the others.
  private func unlessGone(_ work: () async throws -> Void) async throws {
    do { try await work() } catch StoreError.notFound {}
  }

  // MARK: Background

  /// Deletes an object all of whose owners are gone; one that loses only some keeps the others.
  private func collect(_ seen: JSONValue, _ kind: ResourceKind) async throws {
    // An event tells of a former state: it may have been orphaned or adopted since.
    let object = try await store.get(seen.key(kind.resource))
    guard object.uid == seen.uid, !object.isTerminating else { return }
    var present: [JSONValue] = []
    for reference in object.ownerReferences where await owner(reference, of: object) != nil {
      present.append(reference)
    }
    guard present.count < object.ownerReferences.count else { return }
    if present.isEmpty {
      _ = try await store.delete(object.key(kind.resource), grace: Deletion.grace(of: object, kind, asked: nil))
    } else {
      let rest = present
      _ = try await store.update(object.key(kind.resource)) { $0[path: "metadata", "ownerReferences"] = .array(rest) }
    }
  }

  private func owner(_ reference: JSONValue, of object: JSONValue) async -> (object: JSONValue, kind: ResourceKind)? {
    guard let name = reference["name"]?.stringValue, let kindName = reference["kind"]?.stringValue,
      let kind = KindTable.kind(apiVersion: reference["apiVersion"]?.stringValue ?? "", kind: kindName),
      let found = try? await store.get(
        ObjectKey(kind.resource, namespace: kind.isNamespaced ? object.namespace : "", name: name)),
      found.uid == reference["uid"]?.stringValue
    else { return nil }
    return (found, kind)
  }

  private func dependents(of uid: String) async -> [(object: JSONValue, kind: ResourceKind)] {
    var found: [(object: JSONValue, kind: ResourceKind)] = []
    for kind in KindTable.all {
      for item in await store.list(kind.resource, namespace: nil).items
      where item.ownerReferences.contains(where: { $0["uid"]?.stringValue == uid }) {
        found.append((item, kind))
      }
    }
    return found
  }

  // MARK: Foreground and orphans

  private func carryOut(_ object: JSONValue, _ kind: ResourceKind) async throws {
    if object.finalizers.contains(Self.orphanFinalizer) {
      let uid = object.uid
      for (dependent, kind) in await dependents(of: uid) {
        try await unlessGone {
          _ = try await store.update(dependent.key(kind.resource)) { dependent in
            let rest = dependent.ownerReferences.filter { $0["uid"]?.stringValue != uid }
            dependent[path: "metadata", "ownerReferences"] = .array(rest)
          }
        }
      }
      try await remove(Self.orphanFinalizer, from: object, kind)
    } else if object.finalizers.contains(Self.foregroundFinalizer) {
      var isBlocked = false
      for (dependent, kind) in await dependents(of: object.uid) {
        let reference = dependent.ownerReferences.first { $0["uid"]?.stringValue == object.uid }
        isBlocked = isBlocked || reference?["blockOwnerDeletion"] == true
        if !dependent.isTerminating { try await unlessGone { try await deleteInForeground(dependent, kind) } }
      }
      if !isBlocked { try await remove(Self.foregroundFinalizer, from: object, kind) }
    }
  }

  /// Dependents are deleted in the foreground too, so that theirs go first.
  private func deleteInForeground(_ object: JSONValue, _ kind: ResourceKind) async throws {
    let key = object.key(kind.resource)
    if kind.resource != .pods {
      _ = try await store.update(key) { object in
        guard !object.finalizers.contains(Self.foregroundFinalizer) else { return }
        object[path: "metadata", "finalizers"] = .array(
          (object.finalizers + [Self.foregroundFinalizer]).map { .string($0) })
      }
    }
    _ = try await store.delete(key, grace: Deletion.grace(of: object, kind, asked: nil))
  }

  /// After a dependent is gone its owners may be free to go.
  private func finishOwners(of object: JSONValue) async throws {
    for reference in object.ownerReferences {
      guard let (owner, kind) = await owner(reference, of: object), owner.isTerminating else { continue }
      try await carryOut(owner, kind)
    }
  }

  private func remove(_ finalizer: String, from object: JSONValue, _ kind: ResourceKind) async throws {
    _ = try await store.update(object.key(kind.resource)) { object in
      object[path: "metadata", "finalizers"] = .array(object.finalizers.filter { $0 != finalizer }.map { .string($0) })
    }
  }
}
