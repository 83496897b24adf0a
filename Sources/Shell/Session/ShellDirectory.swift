import ControlAPI
import FoundationEssentials

/// The files of one shell, in the user's runtime directory (gone after a reboot, mode 0700).
struct ShellDirectory: Sendable {
  let path: String

  /// - Parameter runtime: `ControlPaths.runtime`.
  init(runtime: String, id: String) { path = "\(runtime)/shells/\(id)" }

  var plan: String { path + "/plan" }
  var resolvConf: String { path + "/resolv.conf" }
  var nsswitch: String { path + "/nsswitch.conf" }
  /// `$DEVTUNNEL_ROOT`.
  var root: String { path + "/root" }
  /// What another daemon needs to go on with this shell.
  var record: String { path + "/record.json" }

  func make() throws(ControlError) {
    do {
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw ControlError(.failed, "cannot make the directory \(root): \(error)", remedy: "Look at the space and the rights of its parent.")
    }
  }

  func write(_ text: String, to file: String) throws(ControlError) {
    guard FileManager.default.createFile(atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: 0o644]) else {
      throw ControlError(.failed, "cannot write \(file)", remedy: "Look at the space and the rights of its directory.")
    }
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// What is known of a shell whose daemon died: enough to open its way into the cluster again.
public struct ShellRecord: Codable, Sendable {
  public var id: String
  public var request: ShellRequest
  var context: String
  var namespace: String
  var workload: String?
  var resolver: [String]
  var search: [String]
  var options: [String]
  /// What is kept fresh.
  var mounts: [VolumeMount]

  static func read(_ directory: ShellDirectory) -> ShellRecord? {
    FileManager.default.contents(atPath: directory.record).flatMap { try? JSONDecoder().decode(ShellRecord.self, from: $0) }
  }

  func write(_ directory: ShellDirectory) throws(ControlError) {
    guard let data = try? JSONEncoder().encode(self),
      FileManager.default.createFile(atPath: directory.record, contents: data, attributes: [.posixPermissions: 0o600])
    else { throw ControlError(.failed, "cannot write \(directory.record)", remedy: "Look at the space and the rights of its directory.") }
  }
}

/// The shells that a daemon of this user has had.
public enum ShellRecords {
  public static func all(runtime: String) -> [ShellRecord] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(runtime)/shells")) ?? []
    return names.compactMap { read(runtime: runtime, id: $0) }
  }

  public static func read(runtime: String, id: String) -> ShellRecord? {
    // It comes from another process: it must stay one name in the directory.
    guard id.allSatisfy({ $0.isHexDigit }), !id.isEmpty else { return nil }
    return ShellRecord.read(ShellDirectory(runtime: runtime, id: id))
  }

  public static func remove(runtime: String, id: String) { ShellDirectory(runtime: runtime, id: id).remove() }
}
