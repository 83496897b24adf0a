import Workloads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes trees from an agent into a shell's directory, below `root`. Only here do a cluster's files become the host's.
struct VolumeWriter: Sendable {
  /// `…/shells/ID`: trees are made in it, put into `root` whole, and the replaced ones are removed from it again.
  let directory: HostDirectory
  var budget = VolumeBudget()

  /// The result for a volume.
  struct Outcome: Sendable, Hashable {
    var cost = VolumeBudget.Cost()
    /// Names of links that leave the volume, which were left out.
    var leftOut: [String] = []
    var isDirectory = false
  }

  private static let root = FileName(literal: "root")
  private static let fresh = FileName(literal: "fresh")
  private static let old = FileName(literal: "old")
  private static let tree = FileName(literal: "tree")

  /// Writes a volume at its path below `root`, replacing the earlier one.
  ///
  /// The directory itself stays, since it may be bound into a shell's namespace: its entries are replaced
  /// one by one, each of them whole.
  /// - Parameters:
  ///   - items: the path itself first, each in a directory named before, as `FileEntryReader` passes them.
  ///   - others: the space of the shell's other volumes.
  ///   - nested: other volumes' paths, whose places in this one are theirs.
  func write(
    _ items: [PodFiles.Item], at path: MountPath, others: VolumeBudget.Cost = .init(), nested: [MountPath] = []
  ) throws(HostFileError) -> Outcome {
    let kept = try nested.filter { $0 != path && $0.isWithin(path) }.map { mount throws(HostFileError) in
      try Self.names(mount.parts[path.parts.count...])
    }
    let place = try Self.names(path.parts[...])
    guard let first = items.first, first.entry.name.isEmpty, first.entry.kind == .directory || first.entry.kind == .file
    else {
      throw HostFileError("it is neither a directory nor a file")
    }
    var named: [(item: PodFiles.Item, names: [FileName])] = []
    for item in items.dropFirst() {
      let names = try FileName.parts(item.entry.name)
      if !kept.contains(where: { names.starts(with: $0) }) { named.append((item, names)) }
    }
    var outcome = Outcome(isDirectory: first.entry.kind == .directory)
    for item in [first] + named.map(\.item) { outcome.cost.add(size: UInt64(clamping: item.bytes.count)) }
    let deepest = named.map(\.names.count).max() ?? 0
    if let refusal = budget.refusal(outcome.cost, depth: deepest, others: others, free: directory.space()) {
      throw HostFileError(refusal)
    }

    let old = try emptied(Self.old)
    let fresh = try emptied(Self.fresh)
    defer {
      fresh.empty()
      old.empty()
    }
    try build(first, named, in: fresh, mount: path, &outcome)
    let above = try directory.making(Self.root).making(place.dropLast())
    guard let last = place.last else { throw HostFileError("the root itself is no place for a volume") }
    var replacement = Replacement(old: old)
    try replacement.put(Self.tree, of: fresh, into: above, as: last, kept: kept)
    return outcome
  }

  private static func names(_ parts: ArraySlice<String>) throws(HostFileError) -> [FileName] {
    var names: [FileName] = []
    for part in parts { names.append(try FileName(part)) }
    return names
  }

  private func emptied(_ name: FileName) throws(HostFileError) -> HostDirectory {
    if let kind = directory.kind(name), kind != .directory { try directory.remove(name) }
    let emptied = try directory.making(name)
    emptied.empty()
    return emptied
  }

  // MARK: Next to its place

  private func build(
    _ first: PodFiles.Item, _ items: [(item: PodFiles.Item, names: [FileName])], in fresh: HostDirectory,
    mount: MountPath, _ outcome: inout Outcome
  ) throws(HostFileError) {
    guard outcome.isDirectory else { return try fresh.make(Self.tree, first.bytes, mode: Self.mode(first)) }
    let top = try fresh.making(Self.tree)
    // Entries of one directory mostly follow each other.
    var latest: (names: [FileName], directory: HostDirectory) = ([], top)
    for (item, names) in items {
      guard let name = names.last else { continue }
      let above = Array(names.dropLast())
      if above != latest.names { latest = (above, try top.making(above)) }
      switch item.entry.kind {
      case .directory: _ = try latest.directory.making(name)
      case .file: try latest.directory.make(name, item.bytes, mode: Self.mode(item))
      case .link:
        guard let target = LinkTarget.inside(item.entry.target, depth: above.count, mount: mount) else {
          outcome.leftOut.append(item.entry.nameText)
          continue
        }
        try latest.directory.link(name, to: target)
      case .unreadable: break
      }
    }
  }

  /// Returns a file's mode: executables stay so; nothing is readable to others, and no other bit of the Pod's is kept.
  private static func mode(_ item: PodFiles.Item) -> mode_t { 0o600 | (item.entry.mode & 0o100 != 0 ? 0o100 : 0) }
}

/// Puts one tree in another's place.
private struct Replacement {
  /// The directory that replaced entries are moved to.
  let old: HostDirectory
  private var number = 0

  init(old: HostDirectory) { self.old = old }

  /// - Parameter kept: below it, names that stay as they are, with their contents.
  mutating func put(
    _ name: FileName, of source: HostDirectory, into target: HostDirectory, as new: FileName, kept: [[FileName]]
  ) throws(HostFileError) {
    let isDirectory = source.kind(name) == .directory
    if target.kind(new) == .directory {
      if isDirectory { return try merge(try source.directory(name), into: try target.directory(new), kept: kept) }
      // It contains a mount, and the Pod has no such directory any more.
      guard kept.isEmpty else { return }
      try setAside(new, of: target)
    } else if isDirectory, target.kind(new) != nil {
      try setAside(new, of: target)
    }
    try source.move(name, to: target, as: new)
  }

  private mutating func merge(_ source: HostDirectory, into target: HostDirectory, kept: [[FileName]])
    throws(HostFileError)
  {
    let fresh = try source.names()
    // Links last: their targets exist before them.
    let (links, others) = (fresh.filter { source.kind($0) == .link }, fresh.filter { source.kind($0) != .link })
    for name in others + links {
      let below = kept.filter { $0.first == name }.map { Array($0.dropFirst()) }
      guard !below.contains([]) else { continue }
      if below.isEmpty, target.kind(name) == .directory { try setAside(name, of: target) }
      try put(name, of: source, into: target, as: name, kept: below)
    }
    let stays = Set(fresh).union(kept.compactMap(\.first))
    for name in try target.names() where !stays.contains(name) { try setAside(name, of: target) }
  }

  private mutating func setAside(_ name: FileName, of target: HostDirectory) throws(HostFileError) {
    number += 1
    try target.move(name, to: old, as: try FileName("\(number)"))
  }
}
