/// The space that a cluster may use on the host. Shells are in the user's runtime directory, which is memory on most
/// systems and shared by all the user's programs.
struct VolumeBudget: Sendable, Hashable {
  /// The space of a volume.
  struct Cost: Sendable, Hashable {
    /// In whole pages, as a file system in memory counts them.
    var bytes: UInt64 = 0
    /// Files, directories and links.
    var entries = 0

    static let page: UInt64 = 4096

    mutating func add(size: UInt64) {
      let (rounded, overflow) = size.addingReportingOverflow(Self.page - 1)
      bytes = overflow ? .max : saturating(bytes, rounded / Self.page * Self.page)
      entries += 1
    }

    mutating func add(_ other: Cost) {
      bytes = saturating(bytes, other.bytes)
      entries += other.entries
    }
  }

  /// The limit of one volume. An object of a ConfigMap or Secret volume may have 1 MiB (Kubernetes API);
  /// a claim is copied only on request.
  var volume = Cost(bytes: 64 << 20, entries: 10_000)
  /// The limit of all volumes of a shell.
  var shell = Cost(bytes: 256 << 20, entries: 40_000)
  /// Directories in directories.
  var depth = 64

  /// Returns the bytes that a further volume may have.
  /// - Parameter others: the space of the shell's other volumes.
  func left(besides others: Cost) -> UInt64 { min(volume.bytes, shell.bytes - min(others.bytes, shell.bytes)) }

  /// Returns the reason why a volume is not written; nil if it may be.
  /// - Parameters:
  ///   - cost: the space that it would take, with its deepest entry's depth.
  ///   - others: the space of the shell's other volumes.
  ///   - free: the file system's free space: half of it stays for others.
  func refusal(_ cost: Cost, depth deepest: Int, others: Cost, free: (bytes: UInt64, files: UInt64)) -> String? {
    if cost.bytes > volume.bytes { return "it has more than \(volume.bytes >> 20) MiB" }
    if cost.entries > volume.entries { return "it has more than \(volume.entries) files" }
    if deepest > depth { return "it has directories more than \(depth) deep" }
    if saturating(cost.bytes, others.bytes) > shell.bytes {
      return "this shell's volumes would have more than \(shell.bytes >> 20) MiB"
    }
    if cost.entries + others.entries > shell.entries {
      return "this shell's volumes would have more than \(shell.entries) files"
    }
    if cost.bytes > free.bytes / 2 {
      return "it would take more than half of the \(free.bytes >> 20) MiB that the runtime directory has left"
    }
    if UInt64(clamping: cost.entries) > free.files / 2 {
      return "it would take more than half of the files that the runtime directory may still have"
    }
    return nil
  }
}

private func saturating(_ left: UInt64, _ right: UInt64) -> UInt64 {
  let (sum, overflow) = left.addingReportingOverflow(right)
  return overflow ? .max : sum
}
