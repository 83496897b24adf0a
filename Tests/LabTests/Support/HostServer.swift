import Foundation
import Synchronization
import TestSupport

/// The service under development: answers every HTTP request on a port of the host with one text.
final class HostServer: Sendable {
  let port: UInt16
  private let accepting: AcceptingThread
  private let seen = Seen()
  /// The heads of the requests that came.
  var heads: [String] { seen.heads.withLock { $0 } }
  private final class Seen: Sendable { let heads = Mutex<[String]>([]) }

  init(_ text: String) throws {
    let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(fd, $0, length) != 0 || listen(fd, 1024) != 0 || getsockname(fd, $0, &length) != 0
      }
    }
    guard !failed else { throw RequestFailure("no port of the host") }
    port = UInt16(bigEndian: address.sin_port)
    let answer = "HTTP/1.0 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
    accepting = AcceptingThread(fd) { [seen] connection in
      if let head = try? HTTPRequest.head(on: connection), !head.isEmpty { seen.heads.withLock { $0.append(head) } }
      _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
      close(connection)
    }
  }

  deinit { stop() }

  /// The port refuses from now on.
  func stop() { accepting.stop() }
}

/// Just enough of HTTP for requests whose every connection counts.
enum HTTPRequest {
  /// Sends a GET and reads to the end. Closes the descriptor.
  static func body(on fd: Int32, path: String = "/", host: String = "web", header: String? = nil) throws -> String {
    defer { close(fd) }
    setBlocking(fd)
    let request = "GET \(path) HTTP/1.0\r\nHost: \(host)\r\n\(header.map { $0 + "\r\n" } ?? "")\r\n"
    guard request.withCString({ send(fd, $0, strlen($0), Int32(MSG_NOSIGNAL)) }) > 0 else {
      throw RequestFailure("send: \(reason)")
    }
    let text = try read(fd) { _ in false }
    guard let blank = text.range(of: "\r\n\r\n") ?? text.range(of: "\n\n"), text.hasPrefix("HTTP/1.") else {
      throw RequestFailure("answer: '\(text)'")
    }
    return text[blank.upperBound...].trimmingCharacters(in: .whitespacesAndNewlines)
  }

  static func head(on fd: Int32) throws -> String { try read(fd) { $0.contains("\r\n\r\n") } }

  private static func read(_ fd: Int32, until done: (String) -> Bool) throws -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while !done(String(decoding: bytes, as: UTF8.self)) {
      let count = recv(fd, &chunk, chunk.count, 0)
      if count < 0 { throw RequestFailure("receive: \(reason)") }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func setBlocking(_ fd: Int32) {
    _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK)
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  private static var reason: String { String(cString: strerror(errno)) }

  /// A request to a port of the host.
  /// - Parameter path: a whole URL where that is a proxy.
  static func host(port: UInt16, path: String = "/", host: String = "web") async throws -> String {
    try await onThread {
      let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let code = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard code == 0 else {
        close(fd)
        throw RequestFailure("connect: \(reason)")
      }
      return try body(on: fd, path: path, host: host)
    }
  }
}

struct RequestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Blocking work, off the few threads that tasks run on.
func onThread<Value: Sendable>(_ work: @Sendable @escaping () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(with: Result { try work() }) }
  }
}
