import KubeObjects

/// The objects that a watch has reported so far, from which the difference after a gap is found.
struct WatchedObjects {
  private struct Key: Hashable {
    let namespace: String?
    let name: String?
  }

  private struct Entry {
    let object: JSONValue
    let size: Int
  }

  private var objects: [Key: Entry] = [:]
  /// Of all objects, estimated: bytes of memory.
  private(set) var size = 0

  init(_ objects: [JSONValue] = []) {
    for object in objects { put(object) }
  }

  mutating func note(_ event: WatchEvent) {
    switch event {
    case .added(let object), .modified(let object): put(object)
    case .deleted(let object): size -= objects.removeValue(forKey: Self.key(object))?.size ?? 0
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
    for (key, entry) in before where objects[key]?.object.uid != entry.object.uid || objects[key] == nil {
      events.append(.deleted(entry.object))
    }
    for object in list {
      let known = before[Self.key(object)]?.object
      if known == nil || known?.uid != object.uid {
        events.append(.added(object))
      } else if known?.resourceVersion != object.resourceVersion {
        events.append(.modified(object))
      }
    }
    return events
  }

  /// Returns the limit that these objects exceed, for a message; nil while they exceed none. A server, or a program
  /// that creates objects without end, must not take all memory.
  func excess(over limits: ReadLimits) -> String? {
    if objects.count > limits.watchedObjects { return "more than \(limits.watchedObjects) objects" }
    return size > limits.watchedSize ? "objects of more than \(limits.watchedSize >> 20) MiB" : nil
  }

  private mutating func put(_ object: JSONValue) {
    let entry = Entry(object: object, size: Self.size(of: object))
    size += entry.size - (objects.updateValue(entry, forKey: Self.key(object))?.size ?? 0)
  }

  /// Of a value, and of a member's name: about as much as a String or an enum takes in its collection.
  private static let overhead = 32

  private static func size(of value: JSONValue) -> Int {
    switch value {
    case .null, .bool, .int, .double: overhead
    case .string(let text): overhead + text.utf8.count
    case .array(let elements): elements.reduce(overhead) { $0 + size(of: $1) }
    case .object(let members):
      members.reduce(overhead) { $0 + overhead + $1.key.utf8.count + size(of: $1.value) }
    }
  }

  private static func key(_ object: JSONValue) -> Key { Key(namespace: object.namespace, name: object.name) }
}
