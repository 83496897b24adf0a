import CLinux

/// Many connections at once: each sends 64 bytes ten times, waiting for them to come back. All stay open until the last
/// is answered.
struct Fan {
  private(set) var answered = 0
  /// The time from the first connect to the last answer.
  private(set) var seconds = 0.0
  private(set) var exchanges = Samples()
  /// The problem of the connection that failed last.
  private(set) var problem = "no answer in time"

  private static let limit: UInt64 = 60_000_000
  private static let exchangesEach = 10
  private static let size = 64

  private struct Connection {
    var fd: Int32
    var left = Fan.exchangesEach
    var unsent = Fan.size
    var unread = Fan.size
    var startedAt: UInt64
    var isOver = false
  }

  static func run(connections count: Int, to address: clinux_address) throws(BenchError) -> Fan {
    var fan = Fan()
    let epoll = clinux_epoll_create()
    let start = clinux_monotonic_us()
    var connections: [Connection] = []
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
    bytes.initializeMemory(as: UInt8.self, repeating: 0x5a)
    defer {
      bytes.deallocate()
      for connection in connections { clinux_close(connection.fd) }
      clinux_close(epoll)
    }
    for index in 0..<count {
      var copy = address
      let fd = clinux_tcp_connect(&copy)
      guard fd >= 0 else {
        throw BenchError(.connect, "connection \(index + 1) of \(count) cannot be made (errno \(-fd))")
      }
      connections.append(Connection(fd: fd, startedAt: clinux_monotonic_us()))
      clinux_epoll_add(epoll, fd, clinux_EPOLLIN | clinux_EPOLLOUT | clinux_EPOLLRDHUP | clinux_EPOLLET, UInt64(index))
    }
    var open = count
    var events = [clinux_event](repeating: clinux_event(), count: 128)
    while open > 0, clinux_monotonic_us() < start + limit {
      let ready = clinux_epoll_wait(epoll, &events, 128, 1000)
      for event in events.prefix(Int(max(ready, 0))) where !connections[Int(event.token)].isOver {
        fan.advance(&connections[Int(event.token)], bytes.baseAddress!)
        if connections[Int(event.token)].isOver { open -= 1 }
      }
    }
    fan.seconds = Double(clinux_monotonic_us() - start) / 1e6
    return fan
  }

  /// Sends and receives until the socket takes and gives no more.
  private mutating func advance(_ connection: inout Connection, _ bytes: UnsafeMutableRawPointer) {
    while !connection.isOver {
      let sending = connection.unsent > 0
      let count =
        sending
        ? clinux_send(connection.fd, bytes, connection.unsent) : clinux_receive(connection.fd, bytes, connection.unread)
      if count == -Int(clinux_EAGAIN) { return }
      guard count > 0 else {
        connection.isOver = true
        problem = count == 0 ? "ended early" : "errno \(-count)"
        return
      }
      if sending { connection.unsent -= count } else { connection.unread -= count }
      if connection.unread == 0 { complete(&connection) }
    }
  }

  private mutating func complete(_ connection: inout Connection) {
    let now = clinux_monotonic_us()
    exchanges.add(microseconds: now - connection.startedAt)
    connection.left -= 1
    connection.unsent = Self.size
    connection.unread = Self.size
    connection.startedAt = now
    if connection.left == 0 {
      connection.isOver = true
      answered += 1
    }
  }
}
