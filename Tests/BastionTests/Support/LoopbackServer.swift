import CLinux
import Foundation
import Glibc
import TestSupport

/// A TCP server with a thread for each connection, whose socket is closed when the handler returns.
final class LoopbackServer: Sendable {
  let port: UInt16
  private let accepting: AcceptingThread

  init(_ handler: @escaping @Sendable (Int32) -> Void) {
    let (fd, port) = listening()
    self.port = port
    accepting = AcceptingThread(fd) { socket in
      Thread.detachNewThread {
        handler(socket)
        close(socket)
      }
    }
  }

  func stop() { accepting.stop() }

  /// Sends everything back, and the end as well.
  static func echo() -> LoopbackServer {
    LoopbackServer { socket in
      var chunk = [UInt8](repeating: 0, count: 65536)
      while true {
        let count = recv(socket, &chunk, chunk.count, 0)
        guard count > 0, sendAll(socket, Array(chunk[..<count])) else { break }
      }
    }
  }
}

func makeBlocking(_ socket: Int32) { _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK) }

@discardableResult func sendAll(_ socket: Int32, _ bytes: [UInt8]) -> Bool {
  var start = 0
  while start < bytes.count {
    let count = bytes.withUnsafeBytes { send(socket, $0.baseAddress! + start, $0.count - start, Int32(MSG_NOSIGNAL)) }
    guard count > 0 else { return false }
    start += count
  }
  return true
}

/// All until the end.
func receiveAll(_ socket: Int32) -> [UInt8] {
  var all: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = recv(socket, &chunk, chunk.count, 0)
    guard count > 0 else { return all }
    all += chunk[..<count]
  }
}

func receive(_ socket: Int32, _ count: Int) -> [UInt8] {
  var all: [UInt8] = []
  while all.count < count {
    var chunk = [UInt8](repeating: 0, count: count - all.count)
    let more = recv(socket, &chunk, chunk.count, 0)
    guard more > 0 else { break }
    all += chunk[..<more]
  }
  return all
}

/// Runs what blocks on a thread of its own.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
  await withCheckedContinuation { continuation in Thread.detachNewThread { continuation.resume(returning: body()) } }
}

extension Int32 {
  /// Says `text` through a socket, ends the sending, and gives what comes back.
  func exchange(_ text: String) async -> String {
    await blocking {
      makeBlocking(self)
      sendAll(self, Array(text.utf8))
      shutdown(self, Int32(SHUT_WR))
      defer { close(self) }
      return String(decoding: receiveAll(self), as: UTF8.self)
    }
  }
}
