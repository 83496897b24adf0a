import CLinux
import Relay
import TestSupport

/// Answers A queries from a table, on loopback.
final class FakeNameserver: Handler {
  let loop: EventLoop
  private let fd: Int32
  let address: clinux_address
  var table: [String: [[UInt8]]] = [:]
  var isSilent = false
  private(set) var questions = 0

  init(loop: EventLoop) {
    self.loop = loop
    var bound = loopback()
    fd = clinux_udp_bind(&bound)
    clinux_local_address(fd, &bound)
    address = bound
    super.init()
    loop.watch(fd, self)
  }

  override func ready(_ events: UInt32) {
    var buffer = [UInt8](repeating: 0, count: 2048)
    var peer = clinux_address()
    while true {
      let count = clinux_receive_from(fd, &buffer, buffer.count, &peer)
      guard count > 12 else { return }
      questions += 1
      if isSilent { continue }
      let answer = reply(Array(buffer[..<count]))
      _ = clinux_send_to(fd, answer, answer.count, &peer)
    }
  }

  private func reply(_ query: [UInt8]) -> [UInt8] {
    var labels: [String] = []
    var offset = 12
    while query[offset] != 0 {
      let length = Int(query[offset])
      labels.append(String(decoding: query[offset + 1..<offset + 1 + length], as: UTF8.self))
      offset += 1 + length
    }
    let question = Array(query[12..<offset + 5])
    guard let found = table[labels.joined(separator: ".")] else { return query[..<2] + [0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0] + question }
    var message: [UInt8] = query[..<2] + [0x81, 0x80, 0, 1, 0, UInt8(found.count), 0, 0, 0, 0] + question
    for address in found { message += [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4] + address }
    return message
  }

  func close() {
    loop.unwatch(fd)
    loop.unregister(self)
    clinux_close(fd)
  }
}
