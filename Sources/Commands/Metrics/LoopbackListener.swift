import CControl
import ControlAPI
import Threads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A port of 127.0.0.1, until the process ends.
struct LoopbackListener: Sendable {
  let port: UInt16
  let connections: AsyncStream<LineConnection>

  /// - Parameter port: 0 takes any free one.
  init(port wanted: UInt16) throws(ControlError) {
    let fd = Int32(socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0))
    guard fd >= 0 else { throw Self.problem(wanted, errno) }
    var one: Int32 = 1
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = wanted.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw -> Int32 in
        guard bind(fd, raw, size) == 0, listen(fd, 64) == 0, getsockname(fd, raw, &size) == 0 else { return errno }
        return 0
      }
    }
    guard code == 0 else {
      ccontrol_close(fd)
      throw Self.problem(wanted, code)
    }
    port = UInt16(bigEndian: address.sin_port)
    let (connections, feed) = AsyncStream<LineConnection>.makeStream()
    self.connections = connections
    do throws(ThreadError) {
      try startThread("metrics-accept", stackSize: 256 << 10) { Self.accept(fd, feed) }
    } catch {
      ccontrol_close(fd)
      throw ControlError(.failed, error.description)
    }
  }

  private static func accept(_ fd: Int32, _ feed: AsyncStream<LineConnection>.Continuation) {
    while ccontrol_wait(fd, Int32(ccontrol_readable), -1) >= 0 {
      let connection = ccontrol_accept(fd)
      if connection >= 0, let lines = try? LineConnection(connection, limit: 8 << 10) {
        feed.yield(lines)
      } else if connection != -EAGAIN {
        // There may be no descriptors for a while.
        usleep(100_000)
      }
    }
  }

  private static func problem(_ port: UInt16, _ code: Int32) -> ControlError {
    ControlError(
      code == EADDRINUSE ? .conflict : .failed,
      "port 127.0.0.1:\(port) cannot be opened: \(String(cString: strerror(code)))",
      remedy: "Choose another with --port; 0 takes any free one.")
  }
}
