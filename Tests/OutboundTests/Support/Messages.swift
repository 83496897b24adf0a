import CLinux
import Relay
import TestSupport

/// DNS messages written by hand, apart from the module under test.
enum Messages {
  static func name(_ text: String) -> [UInt8] {
    text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
  }

  static func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }

  static func query(_ text: String, type: Int = 1, id: Int = 0x1234, edns: Int? = nil, dnssecOK: Bool = false)
    -> [UInt8]
  {
    word(id) + word(0x0100) + word(1) + word(0) + word(0) + word(edns == nil ? 0 : 1) + name(text) + word(type)
      + word(1)
      + (edns.map { [0] + word(41) + word($0) + word(0) + word(dnssecOK ? 0x8000 : 0) + word(0) } ?? [])
  }

  /// The end of the question.
  static func questionEnd(_ query: [UInt8]) -> Int {
    var offset = 12
    while query[offset] != 0 { offset += Int(query[offset]) + 1 }
    return offset + 5
  }

  static func asked(_ query: [UInt8]) -> (name: String, type: Int) {
    var offset = 12
    var labels: [String] = []
    while query[offset] != 0 {
      labels.append(String(decoding: query[(offset + 1)...(offset + Int(query[offset]))], as: UTF8.self))
      offset += Int(query[offset]) + 1
    }
    return (labels.joined(separator: "."), Int(query[offset + 1]) << 8 | Int(query[offset + 2]))
  }

  static func record(type: Int, ttl: Int, _ data: [UInt8]) -> [UInt8] {
    [0xc0, 12] + word(type) + word(1) + word(ttl >> 16) + word(ttl) + word(data.count) + data
  }

  /// An answer to the query with these records.
  static func answer(
    _ query: [UInt8], rcode: Int = 0, _ answers: [[UInt8]] = [], authority: [[UInt8]] = [], flags: Int = 0x8180,
    opt: Bool = false
  ) -> [UInt8] {
    query[0..<2] + word(flags | rcode) + word(1) + word(answers.count) + word(authority.count) + word(opt ? 1 : 0)
      + query[12..<questionEnd(query)]
      + answers.joined() + authority.joined() + (opt ? [0] + word(41) + word(1232) + word(0) + word(0) + word(0) : [])
  }

  static func a(_ query: [UInt8], _ address: [UInt8], ttl: Int = 30, opt: Bool = false) -> [UInt8] {
    answer(query, [record(type: 1, ttl: ttl, address)], opt: opt)
  }

  static func noSuchName(_ query: [UInt8], ttl: Int = 5, minimum: Int = 5) -> [UInt8] {
    let soa =
      name("ns.dns.cluster.local") + name("hostmaster.cluster.local") + [UInt8](repeating: 0, count: 16)
      + word(minimum >> 16) + word(minimum)
    return answer(query, rcode: 3, authority: [record(type: 6, ttl: ttl, soa)])
  }

  static func rcode(_ message: [UInt8]) -> Int { Int(message[3] & 0xf) }
  static func answerCount(_ message: [UInt8]) -> Int { Int(message[6]) << 8 | Int(message[7]) }
}

/// A UDP socket that collects what it is sent.
final class UDPClient: Handler {
  let loop: EventLoop
  let fd: Int32
  private(set) var received: [[UInt8]] = []
  private(set) var errors: [Int32] = []

  /// Takes over a connected socket.
  init(loop: EventLoop, fd: Int32) {
    self.loop = loop
    self.fd = fd
    super.init()
    loop.watch(fd, self)
  }

  convenience init(loop: EventLoop, to address: clinux_address) {
    var address = address
    self.init(loop: loop, fd: clinux_udp_connect(&address))
  }

  func send(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { clinux_send(fd, $0.baseAddress!, $0.count) } }

  override func ready(_ events: UInt32) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = clinux_receive(fd, &buffer, buffer.count)
      if count == -Int(clinux_EAGAIN) { return }
      if count < 0 { errors.append(Int32(-count)) } else { received.append(Array(buffer[..<count])) }
    }
  }

  func close() {
    loop.unwatch(fd)
    loop.unregister(self)
    clinux_close(fd)
  }
}

/// A UDP socket that answers each datagram.
final class UDPServer: Handler {
  let loop: EventLoop
  private let fd: Int32
  let port: UInt16
  private let answer: ([UInt8]) -> [UInt8]?
  private(set) var count = 0
  /// From which the last question came.
  private(set) var lastPort: UInt16 = 0

  init(loop: EventLoop, port: UInt16 = 0, answer: @escaping ([UInt8]) -> [UInt8]?) {
    self.loop = loop
    self.answer = answer
    var address = loopback(port)
    fd = clinux_udp_bind(&address)
    clinux_local_address(fd, &address)
    self.port = address.port
    super.init()
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var peer = clinux_address()
    while true {
      let count = clinux_receive_from(fd, &buffer, buffer.count, &peer)
      if count < 0 { return }
      self.count += 1
      lastPort = peer.port
      if let back = answer(Array(buffer[..<count])) {
        _ = back.withUnsafeBytes { clinux_send_to(fd, $0.baseAddress!, $0.count, &peer) }
      }
    }
  }

  func close() {
    loop.unwatch(fd)
    loop.unregister(self)
    clinux_close(fd)
  }
}
