import CLinux
import Relay
import TestSupport

/// Answers A queries from a table, on loopback, over UDP and TCP.
final class FakeNameserver: Handler {
  let loop: EventLoop
  private let fd: Int32
  let address: clinux_address
  var table: [String: [[UInt8]]] = [:]
  var isSilent = false
  /// Gives this code instead of an answer.
  var code: UInt8?
  /// Over UDP, gives half of every answer.
  var truncates = false
  /// Changes what it sends over UDP.
  var change: (([UInt8]) -> [UInt8])?
  /// Keeps answers back until there are so many, and sends the last first.
  var batch = 1
  private var held: [(answer: [UInt8], peer: clinux_address)] = []
  private let listener: QueryListener
  private(set) var questions = 0
  /// The names, in order.
  private(set) var asked: [String] = []

  init(loop: EventLoop) {
    self.loop = loop
    // One port for both.
    var bound = loopback(freePort())
    fd = clinux_udp_bind(&bound)
    precondition(fd >= 0)
    address = bound
    listener = QueryListener(loop: loop, fd: clinux_tcp_listen(&bound, 16))
    super.init()
    loop.watch(fd, self)
    listener.server = self
    listener.start()
  }

  /// Queries over TCP.
  var tcpQuestions: Int { listener.questions }

  override func ready(_ events: UInt32) {
    var buffer = [UInt8](repeating: 0, count: 2048)
    var peer = clinux_address()
    while true {
      let count = clinux_receive_from(fd, &buffer, buffer.count, &peer)
      guard count > 12 else { return }
      questions += 1
      if isSilent { continue }
      var answer = reply(Array(buffer[..<count]))
      if truncates {
        answer.removeLast(16)
        answer[2] |= 2
        answer[7] -= 1
      }
      if let change { answer = change(answer) }
      held.append((answer, peer))
      guard held.count >= batch else { continue }
      while var (answer, peer) = held.popLast() { _ = clinux_send_to(fd, &answer, answer.count, &peer) }
    }
  }

  fileprivate func reply(_ query: [UInt8]) -> [UInt8] {
    if let code { return query[..<2] + [0x81, 0x80 | code, 0, 1, 0, 0, 0, 0, 0, 0] + question(query) }
    var labels: [String] = []
    var offset = 12
    while query[offset] != 0 {
      let length = Int(query[offset])
      labels.append(String(decoding: query[offset + 1..<offset + 1 + length], as: UTF8.self))
      offset += 1 + length
    }
    let question = question(query)
    asked.append(labels.joined(separator: "."))
    guard let found = table[labels.joined(separator: ".")] else {
      return query[..<2] + [0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0] + question
    }
    var message: [UInt8] = query[..<2] + [0x81, 0x80, 0, 1, 0, UInt8(found.count), 0, 0, 0, 0] + question
    for address in found { message += [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4] + address }
    return message
  }

  /// Up to its end: with its class, without the bytes behind it.
  private func question(_ query: [UInt8]) -> [UInt8] {
    var offset = 12
    while query[offset] != 0 { offset += 1 + Int(query[offset]) }
    return Array(query[12..<offset + 5])
  }

  func close() {
    listener.close()
    loop.unwatch(fd)
    loop.unregister(self)
    clinux_close(fd)
  }
}

/// Takes one query of each connection.
private final class QueryListener: Listener {
  weak var server: FakeNameserver?
  var questions = 0
  private var connections: [QueryConnection] = []

  override func accepted(_ connection: Int32, peer: clinux_address) {
    connections.append(
      QueryConnection(loop: loop, fd: connection) { [weak self] query in
        self?.questions += 1
        return self?.server?.reply(query) ?? []
      })
  }
}

private final class QueryConnection: Handler {
  private let fd: Int32
  private var bytes: [UInt8] = []
  private let reply: ([UInt8]) -> [UInt8]

  init(loop: EventLoop, fd: Int32, reply: @escaping ([UInt8]) -> [UInt8]) {
    self.fd = fd
    self.reply = reply
    super.init()
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = clinux_receive(fd, &buffer, buffer.count)
    guard count > 0 else { return }
    bytes += buffer[..<count]
    guard bytes.count > 2, bytes.count == 2 + Int(bytes[0]) << 8 + Int(bytes[1]) else { return }
    let answer = reply(Array(bytes[2...]))
    // In two pieces.
    for piece in [[UInt8(answer.count >> 8)], [UInt8(answer.count & 255)] + answer] {
      _ = clinux_send(fd, piece, piece.count)
    }
  }
}
