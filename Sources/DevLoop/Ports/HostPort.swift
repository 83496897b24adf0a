import CLinux
import Glibc

/// Ports of this machine.
enum HostPort {
  /// Checks whether only this machine reaches the address; false for an invalid one.
  static func isLoopback(_ address: String) -> Bool {
    guard var parsed = socketAddress(address, 0) else { return false }
    return clinux_is_loopback(&parsed) == 1
  }

  /// Checks whether the port could be listened on just now.
  static func isFree(_ address: String, _ port: UInt16) -> Bool {
    guard var target = socketAddress(address, port) else { return false }
    let fd = clinux_tcp_listen(&target, 1)
    guard fd >= 0 else { return false }
    clinux_close(fd)
    return true
  }

  /// Connects once; a port-forward resets a connection that no Pod takes.
  /// - Parameter time: the time that the reset may need.
  /// - Returns: whether the connection is still open after it, or data came.
  static func answers(_ address: String, _ port: UInt16, after time: Duration = .milliseconds(25)) async -> Bool {
    guard var target = socketAddress(address, port) else { return false }
    let fd = clinux_tcp_connect(&target)
    guard fd >= 0 else { return false }
    defer { clinux_close(fd) }
    do { try await Task.sleep(for: time) } catch { return false }
    var byte: UInt8 = 0
    let count = recv(fd, &byte, 1, Int32(MSG_DONTWAIT | MSG_PEEK))
    return count > 0 || (count < 0 && errno == EAGAIN)
  }

  private static func socketAddress(_ text: String, _ port: UInt16) -> clinux_address? {
    var address = clinux_address()
    guard clinux_parse_address(text, &address) == 0 else { return nil }
    address.port = port
    return address
  }
}
