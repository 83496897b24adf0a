import KubeObjects
import LabStore
import Logging

/// One control loop: looks at one object and brings the rest of the world in line with it.
protocol Controller: Sendable {
  /// For log messages.
  var name: String { get }
  /// The kinds to watch, and the keys that a change there concerns.
  var triggers: [Trigger] { get }
  /// Brings one key in line. It may be called for an object that is gone, and more often than needed.
  /// - Returns: when to look again although nothing has changed; nil: not at all.
  func reconcile(_ key: ObjectKey) async throws -> Duration?
}

/// A resource that a controller watches.
struct Trigger: Sendable {
  var resource: Resource
  var keys: @Sendable (_ object: JSONValue, _ previous: JSONValue?) async -> [ObjectKey]

  init(
    _ resource: Resource, _ keys: @escaping @Sendable (_ object: JSONValue, _ previous: JSONValue?) async -> [ObjectKey]
  ) {
    self.resource = resource
    self.keys = keys
  }

  /// The object itself.
  static func itself(_ resource: Resource) -> Trigger { Trigger(resource) { object, _ in [object.key(resource)] } }

  /// The managing owner of a kind.
  static func owner(_ kind: ResourceKind, of resource: Resource) -> Trigger {
    Trigger(resource) { object, previous in
      [object, previous].compactMap { $0?.controllerReference }.filter { $0.kind == kind.kind }.map {
        ObjectKey(kind.resource, namespace: object.namespace, name: $0.name)
      }
    }
  }
}

/// Runs a controller: fills its queue from watches and works it off, one key at a time.
struct ControllerRunner: Sendable {
  let controller: any Controller
  let store: any ObjectStoring
  let logger: Logger
  private let queue = WorkQueue<ObjectKey>()

  init(_ controller: any Controller, store: any ObjectStoring, logger: Logger) {
    self.controller = controller
    self.store = store
    self.logger = logger
  }

  func run() async {
    await withDiscardingTaskGroup { group in
      for trigger in controller.triggers { group.addTask { await feed(trigger) } }
      for await _ in queue.wakeups {
        while let key = await queue.take() {
          guard let delay = await reconcile(key) else { continue }
          group.addTask {
            try? await Task.sleep(for: delay)
            await queue.add([key])
          }
        }
      }
      group.cancelAll()
    }
  }

  private func reconcile(_ key: ObjectKey) async -> Duration? {
    do {
      return try await controller.reconcile(key)
    } catch StoreError.notFound, StoreError.conflict, StoreError.alreadyExists {
      // The world moved meanwhile: look at it again.
      return .milliseconds(50)
    } catch {
      logger.error(
        "controller failed",
        metadata: ["controller": "\(controller.name)", "object": "\(key.namespace)/\(key.name)", "error": "\(error)"])
      return .seconds(1)
    }
  }

  /// Lists, then watches; lists again when a watch has fallen behind.
  private func feed(_ trigger: Trigger) async {
    while !Task.isCancelled {
      let (items, revision) = await store.list(trigger.resource, namespace: nil)
      for item in items { await queue.add(trigger.keys(item, nil)) }
      guard let events = try? await store.watch(trigger.resource, after: revision) else { continue }
      for await event in events { await queue.add(trigger.keys(event.object, event.previous)) }
    }
  }
}
