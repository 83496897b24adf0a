import CLinux

/// A TCP connection whose calls wait, each until a deadline (µs of the monotonic clock). Closed with its last
/// reference.
final class BlockingSocket {
  private let fd: Int32
  private let epoll: Int32

  /// Connects, without Nagle's delay.
  init(to address: clinux_address, until deadline: UInt64) throws(BenchError) {
    var copy = address
    let fd = clinux_tcp_connect(&copy)
    guard fd >= 0 else { throw BenchError(.connect, "\(address.text): cannot connect (errno \(-fd))") }
    self.fd = fd
    epoll = clinux_epoll_create()
    clinux_epoll_add(epoll, fd, clinux_EPOLLIN | clinux_EPOLLOUT | clinux_EPOLLRDHUP | clinux_EPOLLET, 0)
    try wait(until: deadline)
    let error = clinux_socket_error(fd)
    guard error == 0 else { throw BenchError(.connect, "\(address.text): cannot connect (errno \(error))") }
  }

  deinit {
    clinux_close(fd)
    clinux_close(epoll)
  }

  /// Sends some of the bytes, at least one; returns their number.
  func send(_ bytes: UnsafeRawBufferPointer, until deadline: UInt64) throws(BenchError) -> Int {
    try transfer(until: deadline) { clinux_send(fd, bytes.baseAddress, bytes.count) }
  }

  /// Receives some bytes, at least one; returns their number.
  func receive(_ bytes: UnsafeMutableRawBufferPointer, until deadline: UInt64) throws(BenchError) -> Int {
    let count = try transfer(until: deadline) { clinux_receive(fd, bytes.baseAddress, bytes.count) }
    guard count > 0 else { throw BenchError(.ended, "the connection ended early") }
    return count
  }

  /// Sends one byte and waits for one.
  func exchangeByte(until deadline: UInt64) throws(BenchError) {
    var byte: UInt8 = 0x21
    _ = try transfer(until: deadline) { clinux_send(fd, &byte, 1) }
    let count = try transfer(until: deadline) { clinux_receive(fd, &byte, 1) }
    guard count == 1 else { throw BenchError(.ended, "the connection ended before its answer") }
  }

  private func transfer(until deadline: UInt64, _ call: () -> Int) throws(BenchError) -> Int {
    while true {
      let count = call()
      if count >= 0 { return count }
      guard count == -Int(clinux_EAGAIN) else { throw BenchError(.ended, "the connection was cut (errno \(-count))") }
      try wait(until: deadline)
    }
  }

  private func wait(until deadline: UInt64) throws(BenchError) {
    let now = clinux_monotonic_us()
    var event = clinux_event()
    guard now < deadline, clinux_epoll_wait(epoll, &event, 1, Int32((deadline - now) / 1000 + 1)) != 0 else {
      throw BenchError(.stalled, "nothing moved until the time was up")
    }
  }
}

extension clinux_address {
  /// Parses `127.0.0.1:80` and `[::1]:80`; nil for anything else.
  init?(parsing text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
      return nil
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    if host == "localhost" { host = "127.0.0.1" }
    self.init()
    guard clinux_parse_address(String(host), &self) == 0 else { return nil }
    self.port = port
  }

  static func loopback(_ port: UInt16) -> clinux_address {
    var address = clinux_address()
    clinux_parse_address("127.0.0.1", &address)
    address.port = port
    return address
  }

  var text: String {
    var copy = self
    var buffer = [CChar](repeating: 0, count: 64)
    clinux_format_address(&copy, &buffer, buffer.count)
    let host = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return family == 6 ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
