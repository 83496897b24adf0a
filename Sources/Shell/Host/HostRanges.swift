import ControlAPI
import Outbound

/// A cluster's ranges for this machine: those in use here already get other addresses.
public struct HostRanges: Sendable, Hashable {
  /// A range in use on this machine, and its owner.
  public struct Taken: Sendable, Hashable {
    public var range: CIDR
    /// For the user: `cni0`, `context kind-kind`.
    public var owner: String

    /// True for a cluster on this machine: its Pods' questions to its own DNS are left to it.
    public var isCluster: Bool

    public init(_ range: CIDR, owner: String, isCluster: Bool = false) {
      self.range = range
      self.owner = owner
      self.isCluster = isCluster
    }
  }

  /// The ranges that are routed into the cluster.
  public private(set) var led: [CIDR] = []
  public private(set) var aliases = AddressMap()
  /// For the user: the ranges with other addresses, and the reason.
  public private(set) var notes: [String] = []

  /// Gives other addresses to ranges that this machine uses already; the rest keep their own.
  public init(_ allowed: LedRanges, taken: [Taken], places: [CIDR] = FreeRange.places) throws(ControlError) {
    try self.init(allowed.ranges, taken: taken, places: places)
    notes = allowed.notes + notes
  }

  /// - Parameters:
  ///   - ranges: the cluster's.
  ///   - taken: the ranges that this machine uses.
  ///   - places: the ranges to search for free ones.
  /// - Throws: `.refused` if no free range is large enough.
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
          "the cluster's \(range) is in use on this machine (\(obstacle.range), \(obstacle.owner)), "
            + "and no free range of its size is left",
          remedy:
            "Name a free place of its size with --map-into, or use devtunnel shell, which has a network of its own.")
      }
      aliases.entries.append(entry)
      led.append(free)
      notes.append(
        "\(range) is in use on this machine (\(obstacle.range), \(obstacle.owner)): "
          + "the cluster's addresses in it are \(free) here, in answers to names too"
      )
    }
  }
}
