import CLinux
import Foundation
import Synchronization

/// Answers at a port of a network namespace's, TCP and UDP: with what comes, or by a page, whatever is asked. Any
/// number of connections at once.
final class NamespaceServer: Sendable {
  private let stopping = Atomic(false)
  private let most = Atomic(0)

  /// - Parameters:
  ///   - namespace: its path.
  ///   - page: the body of an answer by HTTP; nil: an echo.
  init(in namespace: String, port: UInt16, page: String? = nil) async throws {
    let sockets = try await Self.sockets(in: namespace, port: port)
    Thread.detachNewThread { [self] in serve(sockets, page) }
  }

  /// The port refuses soon, and nothing holds the namespace any longer.
  func stop() { stopping.store(true, ordering: .relaxed) }

  /// The largest number of connections that were open at the same time.
  var mostAtOnce: Int { most.load(ordering: .relaxed) }

  /// Sockets stay in the namespace in which they were made, whoever uses them; the thread that makes them ends there.
  private static func sockets(in namespace: String, port: UInt16) async throws -> (tcp: Int32, udp: Int32) {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          with: Result {
            let code = clinux_ns_enter(namespace)
            guard code == 0 else { throw RequestFailure("entering \(namespace): \(String(cString: strerror(-code)))") }
            var address = clinux_address()
            clinux_parse_address("0.0.0.0", &address)
            address.port = port
            let (tcp, udp) = (clinux_tcp_listen(&address, 4096), clinux_udp_bind(&address))
            guard tcp >= 0, udp >= 0 else { throw RequestFailure("port \(port) in \(namespace): \(tcp), \(udp)") }
            return (tcp, udp)
          })
      }
    }
  }

  private func serve(_ sockets: (tcp: Int32, udp: Int32), _ page: String?) {
    var entries = [sockets.tcp, sockets.udp].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !stopping.load(ordering: .relaxed) {
      guard poll(&entries, nfds_t(entries.count), 50) > 0 else { continue }
      if entries[1].revents != 0 { answer(sockets.udp, &buffer) }
      for index in entries.indices.dropFirst(2) where entries[index].revents != 0 {
        let fd = entries[index].fd
        let count = clinux_receive(fd, &buffer, buffer.count)
        if count > 0, let page {
          let text = Array("HTTP/1.0 200 OK\r\nContent-Length: \(page.utf8.count)\r\n\r\n\(page)".utf8)
          _ = clinux_send(fd, text, text.count)
          _ = clinux_shutdown_write(fd)
        } else if count > 0 {
          _ = clinux_send(fd, buffer, count)
        } else if count != -Int(clinux_EAGAIN) {
          clinux_close(fd)
          entries[index].fd = -1
        }
      }
      entries.removeAll { $0.fd < 0 }
      if entries[0].revents != 0 { accept(sockets.tcp, &entries) }
    }
    for entry in entries { clinux_close(entry.fd) }
  }

  private func accept(_ listener: Int32, _ entries: inout [pollfd]) {
    var peer = clinux_address()
    while case let fd = clinux_accept(listener, &peer), fd >= 0 {
      entries.append(pollfd(fd: fd, events: Int16(POLLIN), revents: 0))
    }
    if entries.count - 2 > mostAtOnce { most.store(entries.count - 2, ordering: .relaxed) }
  }

  private func answer(_ socket: Int32, _ buffer: inout [UInt8]) {
    var peer = clinux_address()
    while case let count = clinux_receive_from(socket, &buffer, buffer.count, &peer), count >= 0 {
      _ = clinux_send_to(socket, &buffer, count, &peer)
    }
  }
}
