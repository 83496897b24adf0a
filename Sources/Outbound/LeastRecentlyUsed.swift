/// A bounded dictionary: a new key beyond the capacity replaces the least recently used one. All operations are O(1).
struct LeastRecentlyUsed<Key: Hashable, Value> {
  private struct Node {
    var key: Key
    var value: Value
    var newer: Int
    var older: Int
  }

  let capacity: Int
  private var indexes: [Key: Int] = [:]
  private var nodes: [Node?] = []
  private var free: [Int] = []
  private var newest = -1
  private var oldest = -1

  init(capacity: Int) { self.capacity = capacity }

  var count: Int { indexes.count }
  var values: [Value] { nodes.compactMap { $0?.value } }

  /// The value, which counts as used now.
  subscript(key: Key) -> Value? {
    mutating get {
      guard let index = indexes[key] else { return nil }
      if index != newest {
        unlink(index)
        linkNewest(index)
      }
      return nodes[index]!.value
    }
  }

  /// Returns the value, without counting as a use.
  func peek(_ key: Key) -> Value? { indexes[key].flatMap { nodes[$0]?.value } }

  /// - Returns: the replaced entry: the old value of the same key, or the least recently used one.
  @discardableResult
  mutating func insert(_ value: Value, for key: Key) -> (key: Key, value: Value)? {
    if let index = indexes[key] {
      let old = nodes[index]!.value
      nodes[index]!.value = value
      unlink(index)
      linkNewest(index)
      return (key, old)
    }
    var gone: (key: Key, value: Value)?
    if indexes.count >= capacity, oldest >= 0 {
      let key = nodes[oldest]!.key
      gone = remove(key).map { (key, $0) }
    }
    let index: Int
    if let reused = free.popLast() {
      index = reused
    } else {
      index = nodes.count
      nodes.append(nil)
    }
    nodes[index] = Node(key: key, value: value, newer: -1, older: -1)
    indexes[key] = index
    linkNewest(index)
    return gone
  }

  @discardableResult
  mutating func remove(_ key: Key) -> Value? {
    guard let index = indexes.removeValue(forKey: key) else { return nil }
    unlink(index)
    let value = nodes[index]!.value
    nodes[index] = nil
    free.append(index)
    return value
  }

  mutating func removeAll() { self = LeastRecentlyUsed(capacity: capacity) }

  private mutating func unlink(_ index: Int) {
    let node = nodes[index]!
    if node.newer >= 0 { nodes[node.newer]!.older = node.older } else { newest = node.older }
    if node.older >= 0 { nodes[node.older]!.newer = node.newer } else { oldest = node.newer }
  }

  private mutating func linkNewest(_ index: Int) {
    nodes[index]!.older = newest
    nodes[index]!.newer = -1
    if newest >= 0 { nodes[newest]!.newer = index }
    newest = index
    if oldest < 0 { oldest = index }
  }
}
