import Foundation

@testable import Shell
@testable import TunnelProtocol

/// A directory of a test's own, with another one beside it that must not be touched.
final class Scratch {
  let path: String
  /// The folder that the attacks aim at.
  var victim: String { path + "/victim" }
  /// `…/shells/ID`.
  var shell: String { path + "/shell" }
  var root: String { shell + "/root" }

  init() throws {
    path = "/tmp/dt-files-" + UUID().uuidString.prefix(8)
    for folder in ["/victim/inner", "/shell"] {
      try FileManager.default.createDirectory(atPath: path + folder, withIntermediateDirectories: true)
    }
    try Data("mine".utf8).write(to: URL(filePath: victim + "/file"))
    try Data("mine".utf8).write(to: URL(filePath: victim + "/inner/file"))
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func directory() throws -> HostDirectory { try HostDirectory.open(shell) }
  func writer(_ budget: VolumeBudget = VolumeBudget()) throws -> VolumeWriter {
    VolumeWriter(directory: try directory(), budget: budget)
  }

  /// True if the victim is as it was.
  var isUntouched: Bool { list("victim") == ["file=mine", "inner/", "inner/file=mine"] }

  /// Every entry below: `name/`, `name=contents`, `name->target`.
  func list(_ folder: String) -> [String] {
    let base = path + "/" + folder
    guard let names = FileManager.default.enumerator(atPath: base) else { return [] }
    return names.compactMap { $0 as? String }.sorted().map { name in
      let place = base + "/" + name
      if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: place) { return "\(name)->\(target)" }
      var isDirectory: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: place, isDirectory: &isDirectory)
      return isDirectory.boolValue
        ? name + "/"
        : name + "=" + (FileManager.default.contents(atPath: place).map { String(decoding: $0, as: UTF8.self) } ?? "?")
    }
  }

  func text(_ name: String) -> String? {
    FileManager.default.contents(atPath: root + "/" + name).map { String(decoding: $0, as: UTF8.self) }
  }
  func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: root + "/" + name)[.posixPermissions] as? Int
  }
}

/// Entries as an agent tells them: `.directory("")` first.
enum Told {
  static func directory(_ name: String) -> PodFiles.Item { item(.directory, name) }
  static func file(_ name: String, _ text: String, mode: UInt16 = 0o644) -> PodFiles.Item {
    item(.file, name, mode, bytes: Array(text.utf8))
  }
  static func link(_ name: String, _ target: String) -> PodFiles.Item { item(.link, name, target: Array(target.utf8)) }

  static func item(
    _ kind: FileEntryHead.Kind, _ name: String, _ mode: UInt16 = 0o755, bytes: [UInt8] = [], target: [UInt8] = []
  ) -> PodFiles.Item {
    var entry = FileEntry(kind: kind, mode: mode, size: UInt64(bytes.count), name: Array(name.utf8))
    entry.target = target
    return PodFiles.Item(entry: entry, bytes: bytes)
  }

  /// A ConfigMap's volume, as the kubelet makes it.
  static func configMap(_ version: String, _ values: [String: String]) -> [PodFiles.Item] {
    [directory(""), directory("..\(version)"), link("..data", "..\(version)")]
      + values.sorted { $0.key < $1.key }.flatMap {
        [file("..\(version)/\($0.key)", $0.value), link($0.key, "..data/\($0.key)")]
      }
  }
}
