/// The events to come, in the order of their times, those of one time in the order in which they were made.
struct Agenda {
  /// The heap has numbers alone, so that moving them is cheap; `slot` is the action's place.
  private struct Key {
    var time: Int
    var number: Int
    var slot: Int

    static func < (a: Key, b: Key) -> Bool { a.time != b.time ? a.time < b.time : a.number < b.number }
  }

  private var heap: [Key] = []
  private var actions: [(() -> Void)?] = []
  private var unused: [Int] = []
  private var number = 0

  /// The time of the first event.
  var first: Int? { heap.first?.time }

  mutating func add(at time: Int, _ action: @escaping () -> Void) {
    number += 1
    let slot: Int
    if let free = unused.popLast() {
      slot = free
      actions[slot] = action
    } else {
      slot = actions.count
      actions.append(action)
    }
    let new = Key(time: time, number: number, slot: slot)
    heap.append(new)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard new < heap[parent] else { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = new
  }

  /// Removes the first event, and returns its action.
  mutating func take() -> (() -> Void)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty { sink(last) }
    unused.append(first.slot)
    let action = actions[first.slot]
    actions[first.slot] = nil
    return action
  }

  /// Puts a key in the place of the first, and moves it down to its own.
  private mutating func sink(_ key: Key) {
    var parent = 0
    while true {
      var least = 2 * parent + 1
      guard least < heap.count else { break }
      if least + 1 < heap.count, heap[least + 1] < heap[least] { least += 1 }
      guard heap[least] < key else { break }
      heap[parent] = heap[least]
      parent = least
    }
    heap[parent] = key
  }
}
