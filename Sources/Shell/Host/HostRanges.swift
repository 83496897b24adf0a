import ControlAPI
import Outbound

/// A cluster's ranges as this machine is to know them: what is in use here already stands under other addresses.
public struct HostRanges: Sendable, Hashable {
  /// Someone's addresses on this machine, and whose.
  public struct Taken: Sendable, Hashable {
    public var range: CIDR
    /// For people: `cni0`, `context kind-kind`.
    public var owner: String

    /// Of a cluster on this machine: what its Pods ask its own DNS is left to it.
    public var isCluster: Bool

    public init(_ range: CIDR, owner: String, isCluster: Bool = false) {
      self.range = range
      self.owner = owner
      self.isCluster = isCluster
    }
  }

  /// What leads into the cluster.
  public private(set) var led: [CIDR] = []
  public private(set) var aliases = AddressMap()
  /// For the person: what stands under which addresses, and why.
  public private(set) var notes: [String] = []

  /// What this machine uses already stands under other addresses, the rest under its own.
  public init(_ allowed: LedRanges, taken: [Taken], places: [CIDR] = FreeRange.places) throws(ControlError) {
    try self.init(allowed.ranges, taken: taken, places: places)
    notes = allowed.notes + notes
  }

  /// - Parameters:
  ///   - ranges: the cluster's.
  ///   - taken: what this machine uses.
  ///   - places: where free ranges are looked for.
  /// - Throws: `.refused` where no free range is large enough.
  init(_ ranges: [CIDR], taken: [Taken], places: [CIDR] = FreeRange.places) throws(ControlError) {
    for range in Set(ranges).sorted(by: { $0.description < $1.description }) {
      guard let obstacle = taken.first(where: { $0.range.overlaps(range) }) else {
        led.append(range)
        continue
      }
      let used = taken.map(\.range) + ranges + aliases.entries.map(\.alias)
      guard let free = FreeRange.find(length: range.length, within: places, taken: used),
        let entry = AddressMap.Entry(real: range, alias: free)
      else {
        throw ControlError(
          .refused,
          "the cluster's \(range) is in use on this machine (\(obstacle.range), \(obstacle.owner)), and no free range of its size is left",
          remedy:
            "Name a free place of its size with --map-into, or use devtunnel shell, which has a network of its own.")
      }
      aliases.entries.append(entry)
      led.append(free)
      notes.append(
        "\(range) is in use on this machine (\(obstacle.range), \(obstacle.owner)): the cluster's addresses in it are \(free) here, in answers to names too"
      )
    }
  }
}
