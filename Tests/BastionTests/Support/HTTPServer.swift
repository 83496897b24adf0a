import Foundation
import Glibc
import Synchronization

@testable import KubeAPI

/// Answers each HTTP/1.1 request with a JSON object that holds its target, and a WebSocket upgrade with an echo.
final class HTTPServer: Sendable {
  private let server: LoopbackServer
  private let counters: Counters
  final class Counters: Sendable {
    let connections = Atomic(0)
    let hosts = Mutex<Set<String>>([])
  }

  var port: UInt16 { server.port }
  var connections: Int { counters.connections.load(ordering: .relaxed) }
  /// The values of the requests' Host headers.
  var hosts: Set<String> { counters.hosts.withLock { $0 } }

  init() {
    let counters = Counters()
    self.counters = counters
    server = LoopbackServer { socket in
      counters.connections.add(1, ordering: .relaxed)
      var buffer = ""
      while true {
        while !buffer.contains("\r\n\r\n") {
          var chunk = [UInt8](repeating: 0, count: 4096)
          let count = recv(socket, &chunk, chunk.count, 0)
          guard count > 0 else { return }
          buffer += String(decoding: chunk[..<count], as: UTF8.self)
        }
        let lines = buffer.components(separatedBy: "\r\n\r\n")[0].components(separatedBy: "\r\n")
        buffer = buffer.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n")
        func header(_ name: String) -> String? {
          lines.first { $0.lowercased().hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
        }
        counters.hosts.withLock { _ = $0.insert(header("host") ?? "") }
        if let key = header("sec-websocket-key") {
          let accept = Data(sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString()
          sendAll(
            socket,
            Array(
              """
              HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\
              Sec-WebSocket-Protocol: a\r\n\r\n
              """
              .utf8))
          while case let bytes = receive(socket, 1), !bytes.isEmpty { sendAll(socket, bytes) }
          return
        }
        let body = #"{"target":"\#(lines[0].split(separator: " ")[1])"}"#
        sendAll(
          socket,
          Array(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
              .utf8))
      }
    }
  }

  func stop() { server.stop() }
}
