import CLinux

#if !hasFeature(Embedded)
  import TunnelProtocol
#endif

/// The agent's start: arguments of its Pod's command, and its environment.
public struct AgentConfiguration {
  /// The port for sessions, on the Pod's loopback.
  public var controlPort: UInt16 = 0
  /// The port for readiness probes over HTTP, on the Pod's addresses; nil for none.
  public var readinessPort: UInt16?
  /// The Pod's ports that it takes connections on.
  public var ports: [UInt16] = []
  /// The Pod's UDP ports whose datagrams go to the origin.
  public var datagrams: [UInt16] = []
  /// Pairs: a port that only containers of this Pod may use, since one of them is in front of it, and that one's port.
  public var gates: [UInt16] = []
  /// The headless Service with the workload's own selector, as a DNS name; empty without a workload.
  public var originName: [UInt8] = []
  /// The headless Service of agents only, ready or not.
  public var agentsName: [UInt8] = []
  /// A shell's or gateway's agent is no endpoint of any Service.
  public var neverReady = false
  /// 32 bytes that a session must present.
  public var token: [UInt8] = []
  /// The addresses of cluster DNS; if empty, those of /etc/resolv.conf.
  public var nameservers: [clinux_address] = []
  /// The address to listen on; nil for every address of the Pod.
  public var listenAddress: clinux_address?
  /// µs that it continues to accept after SIGTERM, and after another agent has started; until then it
  /// accepts up to `drainLimit`.
  public var lingerTime: UInt64 = 5_000_000
  /// µs after SIGTERM at which open connections are cut.
  public var drainLimit: UInt64 = 25_000_000
  /// µs that a client waits for the workload's own Pods, on a port that they have served: the longest time that cluster
  /// DNS needs to list new ones (a cached answer lasts 5 s), and one query.
  public var originLimit: UInt64 = 8_000_000
  /// µs that the host has to acknowledge a connection.
  public var acknowledgeLimit: UInt64 = 1_000_000
  /// Bytes of copies that may wait for hosts, in all.
  public var copyLimit = 8 << 20

  /// The time after which a UDP flow without a datagram is over, µs.
  public struct IdleLimits: Sendable {
    /// While only one side has sent; both are conntrack's (nf_conntrack_udp_timeout and …_stream).
    public var oneWay: UInt64 = 30_000_000
    /// Once both sides have sent.
    public var bothWays: UInt64 = 120_000_000
  }
  public var idleLimits = IdleLimits()
  /// The time limits of DNS servers, µs.
  public struct QueryLimits: Sendable {
    /// A server that is silent for this long is skipped.
    public var server: UInt64 = 2_000_000
    /// A query without an answer by then fails; libc's own patience with us (resolv.conf(5), "timeout").
    public var total: UInt64 = 5_000_000
  }
  public var queryLimits = QueryLimits()
  /// Bounds on the cost of clients.
  public var inboundLimits = InboundLimits(memory: 0, openFiles: 0)

  public init() {}

  /// Parses `--control PORT --readiness PORT --listen PORT,PORT --datagrams PORT,PORT --gates PORT,GATE --origin NAME
  /// --agents NAME --never-ready`; nil for anything else.
  public init?(arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>, count: Int) {
    var index = 0
    func next() -> UnsafeMutablePointer<CChar>? {
      index += 1
      return index < count ? arguments[index] : nil
    }
    while index < count {
      guard let flag = arguments[index] else { return nil }
      if strcmp(flag, "--never-ready") == 0 {
        neverReady = true
      } else if strcmp(flag, "--control") == 0, let value = next(), let port = Self.numbers(value).first {
        controlPort = port
      } else if strcmp(flag, "--readiness") == 0, let value = next(), let port = Self.numbers(value).first {
        readinessPort = port
      } else if strcmp(flag, "--listen") == 0, let value = next() {
        ports = Self.numbers(value)
      } else if strcmp(flag, "--datagrams") == 0, let value = next() {
        datagrams = Self.numbers(value)
      } else if strcmp(flag, "--gates") == 0, let value = next() {
        gates = Self.numbers(value)
      } else if strcmp(flag, "--origin") == 0, let value = next() {
        originName = Self.bytes(value)
      } else if strcmp(flag, "--agents") == 0, let value = next() {
        agentsName = Self.bytes(value)
      } else {
        return nil
      }
      index += 1
    }
    guard controlPort != 0 else { return nil }
  }

  /// Returns the port of the container in front of a port; nil if there is none.
  func gate(of port: UInt16) -> UInt16? {
    var index = 0
    while index + 1 < gates.count {
      if gates[index] == port { return gates[index + 1] }
      index += 2
    }
    return nil
  }

  /// Appends the cluster's domain to names that end in `svc`: only the Pod's resolver configuration has it.
  mutating func complete(domain: [UInt8]) {
    originName = Self.completed(originName, domain)
    agentsName = Self.completed(agentsName, domain)
  }

  private static func completed(_ name: [UInt8], _ domain: [UInt8]) -> [UInt8] {
    let count = name.count
    guard count > 4, name[count - 4] == 46, name[count - 3] == 115, name[count - 2] == 118, name[count - 1] == 99 else {
      return name
    }
    return name + [46] + domain
  }

  static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
    var result: [UInt8] = []
    var cursor = text
    while cursor.pointee != 0 {
      result.append(UInt8(bitPattern: cursor.pointee))
      cursor += 1
    }
    return result
  }

  /// Reads "8080,9090" as numbers, skipping invalid ports.
  static func numbers(_ text: UnsafePointer<CChar>) -> [UInt16] {
    var result: [UInt16] = []
    var value = 0
    for byte in bytes(text) + [44] {
      if byte >= 48, byte <= 57 {
        value = min(value * 10 + Int(byte - 48), 1 << 20)
      } else if byte == 44 {
        if value > 0, value < 65536 { result.append(UInt16(value)) }
        value = 0
      }
    }
    return result
  }

  /// Reads a token in hexadecimal digits, as the Secret has it.
  public static func token(hexadecimal text: UnsafePointer<CChar>) -> [UInt8] {
    func digit(_ byte: UInt8) -> UInt8? {
      switch byte {
      case 48...57: byte - 48
      case 97...102: byte - 87
      case 65...70: byte - 55
      default: nil
      }
    }
    let text = bytes(text)
    var result: [UInt8] = []
    var index = 0
    while index + 1 < text.count, let high = digit(text[index]), let low = digit(text[index + 1]) {
      result.append(high << 4 | low)
      index += 2
    }
    return result.count == Hello.tokenSize ? result : []
  }
}
