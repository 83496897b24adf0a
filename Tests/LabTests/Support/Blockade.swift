import Foundation
import Synchronization

/// A way to the API server that can drop everything: connections stay, and nothing comes through.
final class Blockade: Sendable {
  let port: UInt16
  private let listener: Int32
  private let isShut = Mutex(false)

  /// - Parameter target: the API server's port on 127.0.0.1.
  init(to target: UInt16) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let failed = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) != 0 || listen(listener, 64) != 0 || getsockname(listener, $0, &length) != 0
      }
    }
    guard !failed else { throw RequestFailure("no port of the host") }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in
      while case let client = accept(listener, nil, nil), client >= 0 {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(target)
        let refused = withUnsafePointer(to: &address) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) != 0 }
        }
        if refused { shutdown(client, Int32(SHUT_RDWR)) }
        let ends = Ends(client: client, server: server)
        for (from, to) in [(client, server), (server, client)] { Thread.detachNewThread { [self] in pump(from, to, ends) } }
      }
    }
  }

  var isShutNow: Bool { isShut.withLock { $0 } }

  func shut(_ shut: Bool) { isShut.withLock { $0 = shut } }

  func stop() {
    shut(false)
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func pump(_ from: Int32, _ to: Int32, _ ends: Ends) {
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while case let count = recv(from, &buffer, buffer.count, 0), count > 0 {
      while isShut.withLock({ $0 }) { usleep(10_000) }
      guard send(to, buffer, count, Int32(MSG_NOSIGNAL)) == count else { break }
    }
    for fd in [from, to] { shutdown(fd, Int32(SHUT_RDWR)) }
    ends.release()
  }

  /// Two sockets that are closed when both directions have ended.
  private final class Ends: Sendable {
    private let client: Int32
    private let server: Int32
    private let open = Mutex(2)

    init(client: Int32, server: Int32) {
      self.client = client
      self.server = server
    }

    func release() {
      guard open.withLock({ $0 -= 1; return $0 }) == 0 else { return }
      close(client)
      close(server)
    }
  }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    return address
  }
}
