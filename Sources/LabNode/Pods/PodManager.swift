import KubeObjects
import LabStore

/// The Pods of this node: each object with the node's name gets a worker, which ends with the object.
actor PodManager {
  private let node: NodeServices
  private var workers: [String: PodWorker] = [:]
  private var isStopping = false

  init(_ node: NodeServices) { self.node = node }

  /// Follows the store until the task is cancelled.
  nonisolated func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await Watching.follow(.pods, in: self.node.store) { await self.take($0) } }
      for resource in [Resource.configMaps, .secrets] {
        group.addTask {
          await Watching.follow(resource, in: self.node.store) { event in
            guard let metadata = event?.object["metadata"], let name = metadata["name"]?.stringValue else { return }
            await self.refresh(resource, metadata["namespace"]?.stringValue ?? "default", name)
          }
        }
      }
    }
  }

  /// Kills and removes every Pod; their objects stay.
  func stop() async {
    isStopping = true
    await withDiscardingTaskGroup { group in
      for worker in workers.values { group.addTask { await worker.terminate(grace: .zero, removesObject: false) } }
    }
    workers = [:]
  }

  func worker(_ namespace: String, _ name: String) -> PodWorker? {
    let all = workers.values.filter { $0.key.namespace == namespace && $0.key.name == name }
    return all.first
  }

  private func take(_ event: WatchEvent?) async {
    guard let event else { return await takeAll() }
    if event.kind == .deleted {
      end(uid(event.object), grace: .zero, removesObject: false)
    } else {
      await take(event.object)
    }
  }

  private func takeAll() async {
    let objects = await node.store.list(.pods, namespace: nil).items
    let present = Set(objects.map(uid))
    for gone in workers.keys where !present.contains(gone) { end(gone, grace: .zero, removesObject: false) }
    for object in objects { await take(object) }
  }

  private func take(_ object: JSONValue) async {
    guard object[path: "spec", "nodeName"]?.stringValue == node.configuration.nodeName, !isStopping else { return }
    let uid = uid(object)
    // Directories are called by it.
    guard EntryName.isOne(uid) else {
      return node.logger.error("a Pod's uid is no name", metadata: ["pod": "\(object[path: "metadata", "name"] ?? "")"])
    }
    let isOver = ["Succeeded", "Failed"].contains(object[path: "status", "phase"]?.stringValue ?? "")
    let isLeaving = object[path: "metadata", "deletionTimestamp"] != nil
    if let worker = workers[uid] {
      await worker.take(object)
      if isLeaving {
        end(
          uid, grace: .stated(object[path: "metadata", "deletionGracePeriodSeconds"]?.intValue ?? 30),
          removesObject: true)
      }
      return
    }
    if isLeaving {
      // Ended before it ever ran here.
      let metadata = object["metadata"]
      let key = ObjectKey(
        .pods, namespace: metadata?["namespace"]?.stringValue ?? "default", name: metadata?["name"]?.stringValue ?? "")
      _ = try? await node.store.delete(key, grace: nil, preconditions: .init(uid: uid))
    } else if !isOver {
      let worker = PodWorker(object, node: node)
      workers[uid] = worker
      await worker.start()
    }
  }

  private func end(_ uid: String, grace: Duration, removesObject: Bool) {
    guard let worker = workers[uid] else { return }
    Task {
      await worker.terminate(grace: grace, removesObject: removesObject)
      workers[uid] = nil
    }
  }

  private func refresh(_ resource: Resource, _ namespace: String, _ name: String) async {
    for worker in workers.values where worker.key.namespace == namespace { await worker.refresh(resource, name) }
  }

  private func uid(_ object: JSONValue) -> String { object[path: "metadata", "uid"]?.stringValue ?? "" }
}
