import CLinux
import ControlAPI
import Foundation
import Synchronization
import TestSupport
import Testing

/// A way to the API server that can drop everything: connections stay, and nothing comes through.
final class Blockade: Sendable {
  let port: UInt16
  private let accepting: AcceptingThread
  private let state = State()

  /// The state that the threads share.
  private final class State: Sendable {
    let isShut = Mutex(false)
    let taken = Atomic(0)
  }

  /// Connections that have come.
  var connections: Int { state.taken.load(ordering: .relaxed) }

  /// - Parameters:
  ///   - target: the API server's port on 127.0.0.1.
  ///   - namespace: whose 127.0.0.1 it is reached at; nil: the host's.
  init(to target: UInt16, in namespace: String? = nil) throws {
    let opened = Mutex<(fd: Int32, port: UInt16)?>(nil)
    let done = DispatchSemaphore(value: 0)
    // A socket stays where it was made; the thread ends there.
    Thread.detachNewThread {
      if namespace.map({ clinux_ns_enter($0) == 0 }) ?? true { opened.withLock { $0 = Self.open() } }
      done.signal()
    }
    done.wait()
    guard let (listener, port) = opened.withLock({ $0 }) else { throw RequestFailure("no port of the host") }
    self.port = port
    accepting = AcceptingThread(listener) { [state] client in
      state.taken.add(1, ordering: .relaxed)
      let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = Self.loopback(target)
      let refused = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) != 0
        }
      }
      if refused { shutdown(client, Int32(SHUT_RDWR)) }
      let ends = Ends(client: client, server: server)
      for (from, to) in [(client, server), (server, client)] {
        Thread.detachNewThread { Self.pump(from, to, ends, state) }
      }
    }
  }

  private static func open() -> (fd: Int32, port: UInt16)? {
    let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(fd, $0, length) != 0 || listen(fd, 64) != 0 || getsockname(fd, $0, &length) != 0
      }
    }
    guard failed else { return (fd, UInt16(bigEndian: address.sin_port)) }
    close(fd)
    return nil
  }

  var isShutNow: Bool { state.isShut.withLock { $0 } }

  func shut(_ shut: Bool) { state.isShut.withLock { $0 = shut } }

  func stop() {
    shut(false)
    accepting.stop()
  }

  private static func pump(_ from: Int32, _ to: Int32, _ ends: Ends, _ state: State) {
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while case let count = recv(from, &buffer, buffer.count, 0), count > 0 {
      while state.isShut.withLock({ $0 }) { usleep(10_000) }
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
      guard
        open.withLock({
          $0 -= 1
          return $0
        }) == 0
      else { return }
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

extension Lab {
  /// A way to the API server that can be shut, and the cluster by it.
  /// - Parameter namespace: where that way begins; nil: on the host.
  func blockade(in namespace: String? = nil) throws -> (Blockade, ClusterSelection) {
    let text = try String(contentsOfFile: directory + "/kubeconfig", encoding: .utf8)
    let server = try #require(text.split(separator: "\n").first { $0.contains("server: ") })
    let port = try #require(server.split(separator: ":").last.flatMap { UInt16($0.prefix { $0.isNumber }) })
    let blockade = try Blockade(to: port, in: namespace)
    let path = directory + "/kubeconfig-blockade"
    try text.replacingOccurrences(of: server, with: "    server: https://127.0.0.1:\(blockade.port)").write(
      toFile: path, atomically: true, encoding: .utf8)
    return (blockade, ClusterSelection(kubeconfig: [path], namespace: "shop"))
  }
}
