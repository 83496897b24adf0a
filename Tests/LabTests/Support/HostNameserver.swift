import CLinux
import Foundation
import Synchronization

/// A nameserver of the host's: knows a few names' IPv4 addresses, and of all others that there are none. Over UDP, at
/// port 53 of a loopback address.
final class HostNameserver: Sendable {
  private let stopping = Atomic(false)

  /// - Returns: its address as well.
  static func start(_ names: [String: [UInt8]]) throws -> (address: String, server: HostNameserver) {
    let text = "127.\((1...250).randomElement() ?? 1).\((0...250).randomElement() ?? 0).53"
    var address = clinux_address()
    clinux_parse_address(text, &address)
    address.port = 53
    let fd = clinux_udp_bind(&address)
    guard fd >= 0 else { throw RequestFailure("\(text): \(String(cString: strerror(-fd)))") }
    let server = HostNameserver()
    Thread.detachNewThread { server.serve(fd, names) }
    return (text, server)
  }

  func stop() { stopping.store(true, ordering: .relaxed) }

  private func serve(_ fd: Int32, _ names: [String: [UInt8]]) {
    var buffer = [UInt8](repeating: 0, count: 2048)
    while !stopping.load(ordering: .relaxed) {
      var entry = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 50) > 0 else { continue }
      var peer = clinux_address()
      let count = clinux_receive_from(fd, &buffer, buffer.count, &peer)
      guard count > 12 else { continue }
      let answer = Self.answer(Array(buffer[..<count]), names)
      _ = clinux_send_to(fd, answer, answer.count, &peer)
    }
    clinux_close(fd)
  }

  /// RFC 1035 section 4.
  private static func answer(_ query: [UInt8], _ names: [String: [UInt8]]) -> [UInt8] {
    var labels: [String] = []
    var offset = 12
    while offset < query.count, query[offset] != 0 {
      let end = min(offset + 1 + Int(query[offset]), query.count)
      labels.append(String(decoding: query[(offset + 1)..<end], as: UTF8.self).lowercased())
      offset = end
    }
    guard offset + 5 <= query.count else { return [] }
    let (question, isA) = (query[12..<(offset + 5)], query[offset + 2] == 1)
    let found = names[labels.joined(separator: ".")]
    let record: [UInt8] = isA ? found.map { [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4] + $0 } ?? [] : []
    return query[..<2] + [0x81, found == nil ? 0x83 : 0x80, 0, 1, 0, record.isEmpty ? 0 : 1, 0, 0, 0, 0] + question
      + record
  }
}
