import KubeObjects

/// The objects that a watch has reported so far, from which the difference after a gap is found.
struct WatchedObjects {
  private struct Key: Hashable {
    let namespace: String?
    let name: String?
  }

  private var objects: [Key: JSONValue] = [:]

  init(_ objects: [JSONValue] = []) {
    for object in objects { self.objects[Self.key(object)] = object }
  }

  mutating func note(_ event: WatchEvent) {
    switch event {
    case .added(let object), .modified(let object): objects[Self.key(object)] = object
    case .deleted(let object): objects[Self.key(object)] = nil
    case .bookmark: break
    }
  }

  /// Takes over a new list.
  /// - Returns: the events that turn the old state into it; an object that was replaced under its name is
  ///   deleted and added.
  mutating func replace(with list: [JSONValue]) -> [WatchEvent] {
    let before = objects
    self = WatchedObjects(list)
    var events: [WatchEvent] = []
    for (key, object) in before where objects[key]?.uid != object.uid || objects[key] == nil {
      events.append(.deleted(object))
    }
    for object in list {
      let known = before[Self.key(object)]
      if known == nil || known?.uid != object.uid {
        events.append(.added(object))
      } else if known?.resourceVersion != object.resourceVersion {
        events.append(.modified(object))
      }
    }
    return events
  }

  private static func key(_ object: JSONValue) -> Key { Key(namespace: object.namespace, name: object.name) }
}
