/// The numbers of the client's streams at the origin. They are the same until a stream goes there late: a new stream's
/// number has to be above all former ones (RFC 9113, section 5.1.1).
struct HTTP2Numbers {
  private struct Step {
    /// From this number at the origin on …
    var origin: UInt32
    /// … streams have the client's numbers from this one on.
    var client: UInt32
  }
  private var steps: [Step] = []
  /// The highest number that the origin has met.
  private(set) var highest: UInt32 = 0
  private var shift: UInt32 = 0
  private static let mostSteps = 2048

  var areShifted: Bool { !steps.isEmpty }

  /// Returns the number of the client's newest stream; nil if there is none left.
  mutating func next(_ id: UInt32) -> UInt32? {
    let number = id &+ shift
    guard number <= HTTP2Frame.lastStream, number > highest else { return nil }
    highest = number
    return number
  }

  /// Returns a number for a stream that goes to the origin late.
  /// - Parameter newest: the highest number that the client has used.
  mutating func late(_ id: UInt32, newest: UInt32) -> UInt32? {
    if !areShifted, id > highest {
      highest = id
      return id
    }
    guard highest < HTTP2Frame.lastStream - 4, steps.count < Self.mostSteps else { return nil }
    highest += 2
    // The step behind the last late stream was of no use if no other stream came.
    while let last = steps.last, last.origin >= highest { steps.removeLast() }
    steps.append(Step(origin: highest, client: id))
    steps.append(Step(origin: highest + 2, client: newest &+ 2))
    shift = highest &- newest
    return highest
  }

  /// Returns the client's number of a stream of the origin.
  func client(_ number: UInt32) -> UInt32 {
    guard areShifted, number & 1 != 0, number <= HTTP2Frame.lastStream else { return number }
    var (low, high) = (0, steps.count)
    while low < high {
      let middle = (low + high) / 2
      if steps[middle].origin <= number { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? number : steps[low - 1].client &+ (number - steps[low - 1].origin)
  }
}
