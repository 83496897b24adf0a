import CLinux
import Glibc
import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The facts that a later clean-up needs about a lab whose process was killed. The state directory holds them.
struct NodeRecord: Sendable, Equatable {
  var labName: String

  func write(_ directories: NodeDirectories) throws {
    try Files.makeDirectory(directories.state, mode: 0o700)
    try Files.makeDirectory(directories.state + "/netns")
    try Files.makeDirectory(directories.pods, mode: 0o700)
    try Files.write((["labName": .string(labName)] as JSONValue).serialized(), to: directories.record)
  }

  static func read(_ directories: NodeDirectories) -> NodeRecord? {
    // The name becomes a cgroup's, below which directories are removed.
    guard let text = Files.read(directories.record), let name = try? JSONValue(parsing: text)["labName"]?.stringValue,
      EntryName.isOne(name)
    else { return nil }
    return NodeRecord(labName: name)
  }
}

extension LabNode {
  /// Removes whatever a node left that was killed: containers, mounts, network namespaces, cgroups, and the state
  /// directory itself. Must not run beside a living node. A directory that no node has used stays untouched.
  /// - Parameter keepsImages: whether the images inside the state directory stay.
  public static func cleanUp(stateDirectory: String, keepsImages: Bool = false) async throws {
    let directories = NodeDirectories(stateDirectory: stateDirectory)
    try directories.checkOwner()
    guard let record = NodeRecord.read(directories) else { return }
    let runc = try Runc(root: directories.runc, hasCgroups: true)
    await withDiscardingTaskGroup { group in
      for identifier in runc.identifiers() { group.addTask { await runc.removeAbandoned(identifier) } }
    }
    // The table may skip a line while mounts elsewhere come and go, so it is read until it is empty.
    for _ in 0..<20 {
      let mounts = MountTable.mounts(below: stateDirectory)
      if mounts.isEmpty { break }
      for mount in mounts { _ = clinux_ns_unmount(mount) }
      try? await Task.sleep(for: .milliseconds(20))
    }
    Cgroups.remove(labName: record.labName)
    for name in Files.names(in: stateDirectory) where !(keepsImages && name == "images") && name != "node.json" {
      Files.remove(stateDirectory + "/" + name)
    }
    if !MountTable.mounts(below: stateDirectory).isEmpty {
      throw LabNodeError(.systemCall, "something is still mounted below \(stateDirectory): see /proc/self/mountinfo")
    }
    // Last, so that a clean-up that was interrupted can be repeated.
    Files.remove(directories.record)
    rmdir(stateDirectory)
  }
}

/// The mounts that this process sees.
enum MountTable {
  /// The mount points below a directory, the newest first, so that none hides another.
  static func mounts(below directory: String) -> [String] {
    guard let root = Files.resolved(directory) else { return [] }
    return mountPoints(table()).filter { $0.hasPrefix(root + "/") }.reversed()
  }

  /// Something is always mounted: an empty table is one that could not be read, for want of a descriptor.
  private static func table() -> String {
    for _ in 0..<100 {
      if let text = Files.readText("/proc/thread-self/mountinfo"), !text.isEmpty { return text }
      usleep(10_000)
    }
    return ""
  }

  /// proc(5): the fifth field, with octal escapes for blanks and backslashes.
  static func mountPoints(_ mountinfo: String) -> [String] {
    mountinfo.split(whereSeparator: \.isNewline).compactMap { line in
      let fields = line.split(separator: " ")
      return fields.count > 4 ? unescaped(fields[4]) : nil
    }
  }

  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The lab's cgroups: one parent with its name in every hierarchy.
enum Cgroups {
  private static let root = "/sys/fs/cgroup"

  /// Returns true if this process may make cgroups; if not, containers run without.
  static func areUsable(labName: String) -> Bool {
    let parents =
      Files.exists(root + "/cgroup.controllers")
      ? [root] : ["memory", "pids", "freezer", "devices"].map { root + "/" + $0 }
    return parents.allSatisfy { parent in
      let probe = parent + "/\(labName)-probe"
      defer { rmdir(probe) }
      return mkdir(probe, 0o755) == 0 || errno == EEXIST
    }
  }

  /// Removes what is left below the lab's name in each hierarchy.
  static func remove(labName: String) {
    for parent in [root] + Files.names(in: root).map({ root + "/" + $0 }) { removeTree(parent + "/" + labName) }
  }

  private static func removeTree(_ path: String) {
    guard Files.isDirectory(path) else { return }
    for name in Files.names(in: path) where Files.isDirectory(path + "/" + name) { removeTree(path + "/" + name) }
    rmdir(path)
  }
}
