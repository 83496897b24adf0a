import CLinux
import ControlAPI
import Explain
import FoundationEssentials
import Threads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Looks at the end of the way on this machine: who listens, and the answer. Each step has its limit.
struct HostLook: Sendable {
  let host: WayReport.Host
  let request: WayHead?
  let saysTLS: Bool
  /// The longest wait for a connection, milliseconds: as long as the agent waits.
  static let connecting: Int32 = 1000
  /// The longest wait for an answer, milliseconds.
  static let answering: Int32 = 3000

  /// Looks on a thread of its own, since the steps block.
  func facts() async -> HostFacts {
    await withCheckedContinuation { continuation in
      do throws(ThreadError) {
        try startThread("explain-host") { continuation.resume(returning: look()) }
      } catch {
        continuation.resume(
          returning: HostFacts(host: host, listeners: [], connection: .failed("\(error)")))
      }
    }
  }

  private func look() -> HostFacts {
    let start = ContinuousClock.now
    let connection = Self.connect(host)
    let took = start.duration(to: .now)
    var facts = HostFacts(host: host, listeners: Listeners.on(host.port), connection: connection)
    facts.connectionMilliseconds = took.milliseconds
    facts.saysTLS = saysTLS
    guard let request else { return facts }
    facts.request = "\(request.method) \(request.target)"
    guard connection == .connected else { return facts }
    if facts.expectsTLS {
      facts.tls = ask(HostReply.clientHello).0
      if facts.tls != .tls { (facts.plain, facts.plainMilliseconds) = ask(request.bytes(for: host)) }
    } else {
      (facts.plain, facts.plainMilliseconds) = ask(request.bytes(for: host))
      if facts.plain.isDoubtful { facts.tls = ask(HostReply.clientHello).0 }
    }
    return facts
  }

  /// Connects, and closes the connection at once: a server with one thread may serve it first.
  private static func connect(_ host: WayReport.Host) -> WayAnswer {
    BriefConnection.open(host, within: connecting).answer
  }

  /// Sends bytes over a connection of their own.
  private func ask(_ bytes: [UInt8]) -> (HostReply?, Double) {
    let start = ContinuousClock.now
    guard let reply = BriefConnection.open(host, within: Self.connecting).exchange(bytes, within: Self.answering) else {
      return (.silent(Double(Self.answering) / 1000), 0)
    }
    return (HostReply(reply), start.duration(to: .now).milliseconds)
  }
}

extension HostReply? {
  /// True if the process may speak TLS.
  fileprivate var isDoubtful: Bool {
    switch self {
    case .closed, .other: true
    default: false
    }
  }
}

extension Duration {
  fileprivate var milliseconds: Double {
    Double(components.seconds) * 1000 + Double(components.attoseconds) / 1_000_000_000_000_000
  }
}

extension WayHead {
  /// The request in HTTP/1.1 (RFC 9112), without a body.
  func bytes(for host: WayReport.Host) -> [UInt8] {
    var lines = ["\(method) \(target) HTTP/1.1"]
    if !headers.contains(where: { $0.name.lowercased() == "host" }) {
      lines.append("Host: \(host.address):\(host.port)")
    }
    lines += headers.map { "\($0.name): \($0.value)" } + ["Connection: close", "", ""]
    return Array(lines.joined(separator: "\r\n").utf8)
  }
}

/// A TCP connection to this machine that lives for one question.
private struct BriefConnection: ~Copyable {
  let fd: Int32
  let answer: WayAnswer

  private init(_ fd: Int32, _ answer: WayAnswer) { (self.fd, self.answer) = (fd, answer) }

  deinit { if fd >= 0 { clinux_close(fd) } }

  static func open(_ host: WayReport.Host, within milliseconds: Int32) -> BriefConnection {
    var address = clinux_address()
    guard clinux_parse_address(host.address, &address) == 0 else {
      return BriefConnection(-1, .failed("\(host.address) is no IP address"))
    }
    address.port = host.port
    let fd = clinux_tcp_connect(&address)
    guard fd >= 0 else { return BriefConnection(-1, answer(-fd)) }
    guard wait(fd, POLLOUT, milliseconds) else { return BriefConnection(fd, .timedOut) }
    let code = clinux_socket_error(fd)
    return BriefConnection(fd, code == 0 ? .connected : answer(abs(code)))
  }

  private static func answer(_ code: Int32) -> WayAnswer {
    switch code {
    case ECONNREFUSED: .refused
    case ETIMEDOUT: .timedOut
    case EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL: .unreachable
    default: .failed(String(cString: strerror(code)))
    }
  }

  private static func wait(_ fd: Int32, _ events: Int32, _ milliseconds: Int32) -> Bool {
    var waited = pollfd(fd: fd, events: Int16(events), revents: 0)
    return poll(&waited, 1, milliseconds) == 1
  }

  /// Sends bytes and takes the first ones that come.
  /// - Returns: empty if the process closes the connection; nil if nothing comes in time.
  func exchange(_ bytes: [UInt8], within milliseconds: Int32) -> [UInt8]? {
    guard answer == .connected else { return nil }
    // Some 200 bytes fit a new connection's buffer.
    _ = bytes.withUnsafeBytes { clinux_send(fd, $0.baseAddress, $0.count) }
    guard Self.wait(fd, POLLIN, milliseconds) else { return nil }
    var buffer = [UInt8](repeating: 0, count: 4096)
    var count = buffer.withUnsafeMutableBytes { clinux_read(fd, $0.baseAddress, $0.count) }
    guard count > 0 else { return [] }
    // The text behind a head may say that the port wants TLS.
    if count < 512, buffer[0] == 0x48, Self.wait(fd, POLLIN, 50) {
      let more = buffer.withUnsafeMutableBytes { clinux_read(fd, $0.baseAddress! + count, $0.count - count) }
      count += max(0, more)
    }
    return Array(buffer.prefix(count))
  }
}

/// The processes that listen here, from /proc (proc(5)).
private enum Listeners {
  static func on(_ port: UInt16) -> [HostFacts.Listener] {
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { path in
      ListeningSocket.parse((try? kernelText(path)) ?? "")
    }.filter { $0.port == port }
    guard !sockets.isEmpty else { return [] }
    let owners = owners(of: Set(sockets.map { "socket:[\($0.inode)]" }))
    return sockets.map { socket in
      guard let pid = owners["socket:[\(socket.inode)]"] else { return HostFacts.Listener(socket) }
      let state = ProcessState.read(pid)
      return HostFacts.Listener(socket, pid: pid, program: state?.name, isStopped: state?.letter.lowercased() == "t")
    }
  }

  /// Finds the processes, of this user or of any for root, that hold the sockets.
  private static func owners(of links: Set<String>) -> [String: Int] {
    var owners: [String: Int] = [:]
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let pid = Int(name) else { continue }
      for fd in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? [] {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(fd)")
        // The parent that opened it comes first, and its children after it.
        if let link, links.contains(link) { owners[link] = min(owners[link] ?? pid, pid) }
      }
    }
    return owners
  }

  /// Reads a file of /proc, whose size is 0.
  private static func kernelText(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
  }
}
