import ControlAPI
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The files of one shell, in the user's runtime directory (gone after a reboot, mode 0700).
struct ShellDirectory: Sendable {
  let path: String
  private let runtime: String
  private let id: String

  /// - Parameter runtime: `ControlPaths.runtime`.
  init(runtime: String, id: String) {
    self.runtime = runtime
    self.id = id
    path = "\(runtime)/\(Self.shells)/\(id)"
  }

  var plan: String { path + "/plan" }
  var resolvConf: String { path + "/resolv.conf" }
  var nsswitch: String { path + "/nsswitch.conf" }
  var hosts: String { path + "/hosts" }
  /// `$DEVTUNNEL_ROOT`.
  var root: String { path + "/root" }
  /// The data that another daemon needs to continue this shell.
  var record: String { path + "/record.json" }

  private static let shells = FileName(literal: "shells")

  /// Makes it, if missing.
  /// - Returns: the held directory: a cluster's files are written through it alone.
  @discardableResult
  func make() throws(ControlError) -> HostDirectory {
    do throws(HostFileError) {
      let directory = try HostDirectory.open(runtime).making(Self.shells).making(try FileName(id))
      _ = try directory.making(FileName(literal: "root"))
      return directory
    } catch {
      throw ControlError(
        .failed, "cannot make the directory \(root): \(error)",
        remedy: "Look at the space and the rights of its parent.")
    }
  }

  /// Writes one of the files above.
  func write(_ bytes: some Collection<UInt8>, to file: String, mode: mode_t = 0o600) throws(ControlError) {
    let directory = try make()
    do throws(HostFileError) {
      try directory.replace(try FileName(file.utf8.dropFirst(path.utf8.count + 1)), bytes, mode: mode)
    } catch {
      throw ControlError(
        .failed, "cannot write \(file): \(error)", remedy: "Look at the space and the rights of its directory.")
    }
  }

  func remove() { try? HostDirectory.open(runtime).directory(Self.shells).remove(try FileName(id)) }
}

/// The record of a shell whose daemon died: enough to connect it to the cluster again.
public struct ShellRecord: Codable, Sendable {
  public var id: String
  public var request: ShellRequest
  /// The cluster it is in; nil if an earlier version wrote the record.
  public var cluster: ClusterIdentity?
  var context: String
  var namespace: String
  var workload: String?
  var resolver: [String]
  var search: [String]
  var options: [String]
  /// The mounts that are kept fresh.
  var mounts: [VolumeMount]

  static func read(_ directory: ShellDirectory) -> ShellRecord? {
    FileManager.default.contents(atPath: directory.record).flatMap {
      try? JSONDecoder().decode(ShellRecord.self, from: $0)
    }
  }

  func write(_ directory: ShellDirectory) throws(ControlError) {
    guard let data = try? JSONEncoder().encode(self) else {
      throw ControlError(.failed, "the shell's record could not be encoded")
    }
    try directory.write(data, to: directory.record)
  }
}

/// The shells that a daemon of this user has had.
public enum ShellRecords {
  /// Reads the records below the runtime directory; unreadable ones are left out.
  public static func all(runtime: String) -> [ShellRecord] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(runtime)/shells")) ?? []
    return names.compactMap { read(runtime: runtime, id: $0) }
  }

  /// Reads one record; nil if there is none, or the id is not hexadecimal.
  public static func read(runtime: String, id: String) -> ShellRecord? {
    // The id comes from another process: it must be one name in the directory.
    guard id.allSatisfy({ $0.isHexDigit }), !id.isEmpty else { return nil }
    return ShellRecord.read(ShellDirectory(runtime: runtime, id: id))
  }

  public static func remove(runtime: String, id: String) { ShellDirectory(runtime: runtime, id: id).remove() }
}
