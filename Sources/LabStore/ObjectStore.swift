import KubeObjects

/// The lab's objects, in memory: they live as long as the lab does.
public actor ObjectStore: ObjectStoring {
  private var objects: [Resource: [String: [String: JSONValue]]] = [:]
  private var history: EventHistory
  private var watchers: [Resource: [Int: AsyncStream<WatchEvent>.Continuation]] = [:]
  private var nextWatcher = 0
  /// The revision of the newest change; Kubernetes' `resourceVersion` as a number.
  public private(set) var revision: Int64 = 1
  private let watchBuffer: Int

  /// - Parameter historyCapacity: the least number of changes that a watch can lie behind before it gets `expired`.
  public init(historyCapacity: Int = 8192) {
    history = EventHistory(capacity: historyCapacity)
    watchBuffer = 2 * historyCapacity
  }

  // MARK: Reading

  public func get(_ key: ObjectKey) throws -> JSONValue {
    guard let object = objects[key.resource]?[key.namespace]?[key.name] else { throw StoreError.notFound(key) }
    return object
  }

  public func list(_ resource: Resource, namespace: String?) -> (items: [JSONValue], revision: Int64) {
    let spaces = objects[resource] ?? [:]
    let names = namespace.map { [$0] } ?? spaces.keys.sorted()
    let items = names.flatMap { name in (spaces[name] ?? [:]).sorted { $0.key < $1.key }.map(\.value) }
    return (items, revision)
  }

  public func watch(_ resource: Resource, after start: Int64?) throws -> AsyncStream<WatchEvent> {
    guard let missed = history.events(of: resource, after: start ?? revision) else { throw StoreError.expired }
    let (stream, continuation) = AsyncStream.makeStream(
      of: WatchEvent.self, bufferingPolicy: .bufferingOldest(watchBuffer + missed.count))
    for event in missed { continuation.yield(event) }
    let identity = nextWatcher
    nextWatcher += 1
    watchers[resource, default: [:]][identity] = continuation
    continuation.onTermination = { [weak self] _ in
      Task { await self?.forget(identity, of: resource) }
    }
    return stream
  }

  private func forget(_ watcher: Int, of resource: Resource) { watchers[resource]?[watcher] = nil }

  /// The number of open watches; for tests that look for leaked ones.
  public var watcherCount: Int { watchers.values.reduce(0) { $0 + $1.count } }

  // MARK: Writing

  public func create(_ resource: Resource, _ object: JSONValue) throws -> JSONValue {
    var object = object
    let namespace = object[path: "metadata", "namespace"]?.stringValue ?? ""
    let key = ObjectKey(resource, namespace: namespace, name: try freeName(of: object, resource, namespace))
    guard objects[resource]?[namespace]?[key.name] == nil else { throw StoreError.alreadyExists(key) }
    object[path: "metadata", "name"] = .string(key.name)
    object[path: "metadata", "uid"] = .string(ObjectMeta.uid())
    object[path: "metadata", "creationTimestamp"] = .string(ObjectMeta.timestamp())
    object[path: "metadata", "generation"] = object["spec"].map { _ in 1 }
    object[path: "metadata", "deletionTimestamp"] = nil
    object[path: "metadata", "deletionGracePeriodSeconds"] = nil
    return commit(.added, key, object, previous: nil)
  }

  public func update(_ key: ObjectKey, _ change: @Sendable (inout JSONValue) throws -> Void) throws -> JSONValue {
    let current = try get(key)
    var object = current
    try change(&object)
    for field in [
      "name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp",
      "deletionGracePeriodSeconds",
    ] {
      object[path: "metadata", field] = current[path: "metadata", field]
    }
    if object == current { return current }
    if object["spec"] != current["spec"] { bumpGeneration(&object) }
    let lostLastFinalizer = ObjectMeta.finalizers(object).isEmpty && !ObjectMeta.finalizers(current).isEmpty
    let waits = (current[path: "metadata", "deletionGracePeriodSeconds"]?.intValue ?? 0) > 0
    if current[path: "metadata", "deletionTimestamp"] != nil, lostLastFinalizer, !waits {
      return commit(.deleted, key, object, previous: current)
    }
    return commit(.modified, key, object, previous: current)
  }

  public func delete(_ key: ObjectKey, grace: Int?, preconditions: DeletePreconditions) throws -> JSONValue {
    let current = try get(key)
    if let uid = preconditions.uid, uid != current[path: "metadata", "uid"]?.stringValue {
      throw StoreError.conflict(key)
    }
    if let version = preconditions.resourceVersion, version != current[path: "metadata", "resourceVersion"]?.stringValue
    {
      throw StoreError.conflict(key)
    }
    if grace == nil, ObjectMeta.finalizers(current).isEmpty { return commit(.deleted, key, current, previous: current) }
    let seconds = grace ?? 0
    let isMarked = current[path: "metadata", "deletionTimestamp"] != nil
    if isMarked, (current[path: "metadata", "deletionGracePeriodSeconds"]?.intValue ?? 0) <= seconds { return current }
    var object = current
    object[path: "metadata", "deletionTimestamp"] = .string(ObjectMeta.timestamp(secondsFromNow: seconds))
    object[path: "metadata", "deletionGracePeriodSeconds"] = JSONValue(seconds)
    if !isMarked { bumpGeneration(&object) }
    return commit(.modified, key, object, previous: current)
  }

  // MARK: Committing

  private func freeName(of object: JSONValue, _ resource: Resource, _ namespace: String) throws -> String {
    if let name = object[path: "metadata", "name"]?.stringValue, !name.isEmpty { return name }
    guard let prefix = object[path: "metadata", "generateName"]?.stringValue, !prefix.isEmpty else {
      throw StoreError.nameless(resource)
    }
    while true {
      let name = prefix + ObjectMeta.nameSuffix()
      if objects[resource]?[namespace]?[name] == nil { return name }
    }
  }

  private func bumpGeneration(_ object: inout JSONValue) {
    guard let generation = object[path: "metadata", "generation"]?.intValue else { return }
    object[path: "metadata", "generation"] = JSONValue(generation + 1)
  }

  private func commit(_ kind: WatchEvent.Kind, _ key: ObjectKey, _ object: JSONValue, previous: JSONValue?) -> JSONValue
  {
    revision += 1
    var object = object
    object[path: "metadata", "resourceVersion"] = .string(String(revision))
    // Spelled out, since a bare nil could become JSON's null here.
    objects[key.resource, default: [:]][key.namespace, default: [:]][key.name] =
      kind == .deleted ? Optional<JSONValue>.none : object
    let event = WatchEvent(kind: kind, object: object, previous: previous, revision: revision)
    history.append(event, of: key.resource)
    for (identity, watcher) in watchers[key.resource] ?? [:] {
      // A reader this far behind has lost an event: it must list again.
      if case .dropped = watcher.yield(event) {
        watcher.finish()
        watchers[key.resource]?[identity] = nil
      }
    }
    return object
  }
}
