import CLinux
import CShell
import Foundation
import ShellChannel

/// The daemon's side of one shell, on a thread of its own: it takes the sockets, answers each kind of traffic by saying
/// where it was going, and notes it.
final class FakeDaemon: @unchecked Sendable {
  // Everything below is behind `condition`, but for what only the thread uses.
  private let condition = NSCondition()
  private var noted: [String] = []
  private var wanted: [(UInt32, MintedSocket)] = []
  private var mintedSockets: [UInt32: Result<PassedDescriptor, POSIXError>] = [:]
  private var isEnding = false
  private var hasEnded = false

  private let listener: Int32
  private let refusal: String?
  private let saysBye: Bool
  private var connection: ShellConnection?
  private var hello: ShellHello?
  private var replies: [UInt32: ([UInt8], sockaddr_in)] = [:]
  private var nextRequest: UInt32 = 1

  /// - Parameters:
  ///   - owner: may connect.
  ///   - refusal: what every hello is answered with, if not with a welcome.
  init(path: String, owner: uid_t, refusal: String? = nil, saysBye: Bool = true) throws {
    self.refusal = refusal
    self.saysBye = saysBye
    unlink(path)
    listener = cshell_listen(path)
    guard listener >= 0, chown(path, owner, owner) == 0 else { throw POSIXError(.init(rawValue: -listener) ?? .EIO) }
    Thread { self.run() }.start()
  }

  // MARK: What tests ask

  var events: [String] { condition.withLock { noted } }

  /// Returns true if such an event is noted within some seconds.
  func saw(_ event: String, times: Int = 1, seconds: Double = 10) -> Bool {
    condition.withLock {
      let deadline = Date(timeIntervalSinceNow: seconds)
      while noted.count(where: { $0.hasPrefix(event) }) < times { if !condition.wait(until: deadline) { return false } }
      return true
    }
  }

  func mint(_ socket: MintedSocket) throws -> PassedDescriptor {
    try condition.withLock {
      let request = nextRequest
      nextRequest += 1
      wanted.append((request, socket))
      let deadline = Date(timeIntervalSinceNow: 10)
      while mintedSockets[request] == nil { if !condition.wait(until: deadline) { throw POSIXError(.ETIMEDOUT) } }
      return try mintedSockets[request]!.get()
    }
  }

  /// Ends as a killed daemon does: every descriptor closed, the socket's file left.
  func end() {
    condition.withLock {
      isEnding = true
      while !hasEnded { condition.wait() }
    }
  }

  // MARK: The thread

  private func note(_ event: String) {
    condition.withLock {
      noted.append(event)
      condition.broadcast()
    }
  }

  private func run() {
    while !condition.withLock({ isEnding }) {
      var sockets: [Int32] = []
      if let hello {
        sockets = [hello.tcp.fd, hello.udp?.fd ?? -1]
        for server in hello.dns { sockets += [server.udp.fd, server.tcp.fd] }
      }
      let fds: [Int32] = [listener, connection?.fd ?? -1] + sockets
      var returned = [Int16](repeating: 0, count: fds.count)
      _ = cshell_poll(fds, fds.map { _ in cshell_POLLIN }, &returned, fds.count, 10)
      if returned[0] != 0 { accept() }
      if returned[1] != 0 { receive() }
      let requests = condition.withLock { () -> [(UInt32, MintedSocket)] in
        defer { wanted = [] }
        return connection == nil ? [] : wanted
      }
      for (request, socket) in requests { try? connection?.send(.mint(request: request, socket)) }
      guard hello != nil else { continue }
      for (index, ready) in returned.dropFirst(2).enumerated() where ready != 0 {
        switch index {
        case 0: answerTCP(sockets[0], "tcp")
        case 1: answerUDP(sockets[1])
        case let index where index % 2 == 0: answerDNS(sockets[index])
        default: answerTCP(sockets[index], "dns-tcp")
        }
      }
    }
    close(listener)
    connection = nil
    hello = nil
    condition.withLock {
      hasEnded = true
      condition.broadcast()
    }
  }

  private func accept() {
    let fd = cshell_accept(listener)
    guard fd >= 0 else { return }
    connection = try? ShellConnection(fd: fd)
  }

  private func receive() {
    do {
      while let message = try connection?.receive() {
        switch message {
        case .hello(let hello):
          note(
            """
            hello \(hello.id) dns=\(hello.dns.count) icmp=\(hello.icmp != nil) udp=\(hello.udp != nil) \
            mode=\(hello.mode)
            """
          )
          if let refusal {
            try connection?.send(.refused(refusal))
          } else {
            self.hello = hello
            try connection?.send(.welcome)
          }
        case .exiting(let code):
          note("exiting \(code)")
          if saysBye { try connection?.send(.bye) }
        case .minted(let request, let errno, let socket):
          if let (answer, peer) = replies.removeValue(forKey: request) {
            if let socket { send(answer, from: socket.fd, to: peer) }
            continue
          }
          condition.withLock {
            mintedSockets[request] = socket.map { .success($0) } ?? .failure(POSIXError(.init(rawValue: errno) ?? .EIO))
            condition.broadcast()
          }
        default: note("unexpected \(message)")
        }
      }
    } catch {
      note("channel \(error)")
      connection = nil
      hello = nil
    }
  }

  private func send(_ bytes: [UInt8], from fd: Int32, to peer: sockaddr_in) {
    var peer = peer
    _ = withUnsafePointer(to: &peer) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(fd, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// Notes where a connection was going and answers with it, as HTTP.
  private func answerTCP(_ listener: Int32, _ kind: String) {
    let fd = cshell_accept(listener)
    guard fd >= 0 else { return }
    defer { close(fd) }
    var address: UInt32 = 0
    var port: UInt16 = 0
    cshell_local_address(fd, &address, &port)
    if hello?.mode == .redirect, kind == "tcp" { (address, port) = Self.originalDestination(fd) }
    let target = "\(Self.text(address)):\(port)"
    note("\(kind) \(target)")
    var returned: Int16 = 0
    _ = cshell_poll([fd], [cshell_POLLIN], &returned, 1, 2000)
    var request = [UInt8](repeating: 0, count: 4096)
    _ = clinux_receive(fd, &request, request.count)
    let answer = Array("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n\(target)".utf8)
    _ = clinux_send(fd, answer, answer.count)
  }

  /// SO_ORIGINAL_DST, linux/netfilter_ipv4.h.
  private static func originalDestination(_ fd: Int32) -> (UInt32, UInt16) {
    var target = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    getsockopt(fd, Int32(IPPROTO_IP), 80, &target, &size)
    return (UInt32(bigEndian: target.sin_addr.s_addr), UInt16(bigEndian: target.sin_port))
  }

  /// Notes where a datagram was going, and answers from there.
  private func answerUDP(_ fd: Int32) {
    var buffer = [UInt8](repeating: 0, count: 2048)
    var control = [UInt8](repeating: 0, count: 256)
    var peer = sockaddr_in()
    let (count, used) = buffer.withUnsafeMutableBytes { data in
      control.withUnsafeMutableBytes { control in
        withUnsafeMutablePointer(to: &peer) { peer in
          var part = iovec(iov_base: data.baseAddress, iov_len: data.count)
          return withUnsafeMutablePointer(to: &part) { part in
            var message = msghdr(
              msg_name: peer, msg_namelen: socklen_t(MemoryLayout<sockaddr_in>.size), msg_iov: part, msg_iovlen: 1,
              msg_control: control.baseAddress, msg_controllen: control.count, msg_flags: 0)
            let count = recvmsg(fd, &message, 0)
            return (count, message.msg_controllen)
          }
        }
      }
    }
    guard count >= 0 else { return }
    // struct cmsghdr: length (8 bytes), level, type, data at 16; IP_ORIGDSTADDR is 20 of SOL_IP and holds a
    // sockaddr_in, see ip(7).
    var offset = 0
    while offset + 16 <= used {
      let length = control.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
      if length < 16 { break }
      let type = control.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset + 12, as: Int32.self) }
      if type == 20 {
        var target = clinux_address()
        target.family = 4
        target.port = UInt16(control[offset + 18]) << 8 | UInt16(control[offset + 19])
        withUnsafeMutableBytes(of: &target.bytes) { $0.copyBytes(from: control[offset + 20..<offset + 24]) }
        let text = "\(control[offset + 20...offset + 23].map { "\($0)" }.joined(separator: ".")):\(target.port)"
        note("udp \(text) \(String(decoding: buffer.prefix(count), as: UTF8.self))")
        if target.port == Self.closedPort {
          return refuse(target: Array(control[offset + 18..<offset + 24]), peer: peer, length: count)
        }
        let request = condition.withLock { () -> UInt32 in
          defer { nextRequest += 1 }
          return nextRequest
        }
        replies[request] = (Array("from \(text)".utf8), peer)
        try? connection?.send(.mint(request: request, .udp(boundTo: target)))
      }
      offset += (length + 7) & ~7
    }
  }

  /// Datagrams to this port are answered with "port unreachable".
  static let closedPort: UInt16 = 7

  /// Sends the ICMP message of a closed port (RFC 792, type 3, code 3), from the address that was asked.
  /// - Parameter target: port and address, in network order.
  private func refuse(target: [UInt8], peer: sockaddr_in, length: Int) {
    let source = withUnsafeBytes(of: peer.sin_addr.s_addr) { Array($0) }
    let sourcePort = withUnsafeBytes(of: peer.sin_port) { Array($0) }
    let asked = Array(target[2..<6])
    func header(_ count: Int, _ transport: UInt8, _ from: [UInt8], _ to: [UInt8]) -> [UInt8] {
      let header: [UInt8] = [0x45, 0, 0, UInt8(count), 0, 0, 0, 0, 64, transport, 0, 0] + from + to
      let sum = Self.checksum(header)
      return Array(header[..<10]) + [UInt8(sum >> 8), UInt8(truncatingIfNeeded: sum)] + Array(header[12...])
    }
    let datagram = header(28 + length, 17, source, asked) + sourcePort + target[..<2] + [0, UInt8(8 + length), 0, 0]
    var message: [UInt8] = [3, 3, 0, 0, 0, 0, 0, 0] + datagram
    let sum = Self.checksum(message)
    message[2] = UInt8(sum >> 8)
    message[3] = UInt8(truncatingIfNeeded: sum)
    send(header(20 + message.count, 1, asked, source) + message, from: hello?.icmp?.fd ?? -1, to: peer)
  }

  /// RFC 1071.
  private static func checksum(_ bytes: [UInt8]) -> UInt16 {
    var sum = stride(from: 0, to: bytes.count, by: 2).reduce(UInt32(0)) {
      $0 + UInt32(bytes[$1]) << 8 + UInt32(bytes[$1 + 1])
    }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    return ~UInt16(sum)
  }

  /// Answers every question with 10.9.8.7 (RFC 1035, section 4), from where it was asked.
  private func answerDNS(_ fd: Int32) {
    var buffer = [UInt8](repeating: 0, count: 2048)
    var (peer, asked) = (clinux_address(), clinux_address())
    let count = clinux_receive_datagram(fd, &buffer, buffer.count, &peer, &asked)
    guard count > 12 else { return }
    var labels: [String] = []
    var offset = 12
    while offset < count, buffer[offset] != 0 {
      let length = Int(buffer[offset])
      labels.append(String(decoding: buffer[offset + 1..<offset + 1 + length], as: UTF8.self))
      offset += 1 + length
    }
    let type = buffer[offset + 2]
    note("dns \(labels.joined(separator: ".")) type=\(type)")
    let record: [UInt8] = type == 1 ? [0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 9, 8, 7] : []
    let answer =
      [buffer[0], buffer[1], 0x81, 0x80, 0, 1, 0, type == 1 ? 1 : 0, 0, 0, 0, 0] + buffer[12..<offset + 5] + record
    _ = clinux_send_datagram(fd, answer, answer.count, &peer, &asked)
  }

  private static func text(_ address: UInt32) -> String {
    [24, 16, 8, 0].map { "\(UInt8(truncatingIfNeeded: address >> $0))" }.joined(separator: ".")
  }
}
