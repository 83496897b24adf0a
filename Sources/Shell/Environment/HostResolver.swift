import FoundationEssentials
import Glibc
import Outbound
import Synchronization

/// This machine's `/etc/resolv.conf`, followed: VPN clients and network managers replace it at any time.
final class HostResolver: Sendable {
  /// The version of a file; the fields of stat(2).
  private struct Version: Equatable {
    var device: UInt64 = 0
    var inode: UInt64 = 0
    var size: Int64 = 0
    var seconds: Int = 0
    var nanoseconds: Int = 0
  }

  private let path: String
  private let read: Mutex<(version: Version?, servers: [IPEndpoint])>

  init(path: String = "/etc/resolv.conf") {
    self.path = path
    read = Mutex((Self.version(path), Self.servers(Self.configuration(path))))
  }

  /// The file's present contents; empty if it is missing.
  static func configuration(_ path: String = "/etc/resolv.conf") -> ResolverConfiguration {
    let data = FileManager.default.contents(atPath: path) ?? Data()
    return ResolverConfiguration(parsing: String(decoding: data, as: UTF8.self))
  }

  var servers: [IPEndpoint] { read.withLock { $0.servers } }

  /// Reads the file if it is another one than at the last call.
  /// - Returns: the new servers; nil if they are the same, or the file has none (one that is being written).
  func changedServers() -> [IPEndpoint]? {
    read.withLock { read in
      let version = Self.version(path)
      guard version != read.version else { return nil }
      let servers = Self.servers(Self.configuration(path))
      guard !servers.isEmpty else { return nil }
      defer { read = (version, servers) }
      return servers == read.servers ? nil : servers
    }
  }

  private static func servers(_ configuration: ResolverConfiguration) -> [IPEndpoint] {
    configuration.nameservers.compactMap { IPAddress(parsing: $0) }.map { IPEndpoint($0, port: 53) }
  }

  private static func version(_ path: String) -> Version? {
    var file = stat()
    guard stat(path, &file) == 0 else { return nil }
    return Version(
      device: UInt64(file.st_dev), inode: UInt64(file.st_ino), size: Int64(file.st_size),
      seconds: file.st_mtim.tv_sec, nanoseconds: file.st_mtim.tv_nsec)
  }
}
