import CLinux
import FoundationEssentials

/// The clients that a proxy's port serves.
public enum ProxyAccess: Sendable {
  /// Any program of this machine: the port is on loopback.
  case thisMachine
  /// Anyone with the name and the password, from any machine. They do not reach this machine's own addresses, whose
  /// servers expect only its own programs.
  case anyone(ProxyCredentials)

  /// - Parameter address: the address that the proxy listens on.
  public init(listeningAt address: clinux_address) {
    var address = address
    self = clinux_is_loopback(&address) == 1 ? .thisMachine : .anyone(.random())
  }

  public var credentials: ProxyCredentials? {
    if case .anyone(let credentials) = self { credentials } else { nil }
  }
}

/// Name and password of a proxy's clients: by RFC 1929 (SOCKS5), or RFC 7617 (Basic, HTTP).
public struct ProxyCredentials: Sendable, Hashable {
  public let user: String
  public let password: String
  private let basic: [UInt8]

  public init(user: String, password: String) {
    self.user = user
    self.password = password
    basic = Array(Data("\(user):\(password)".utf8).base64EncodedString().utf8)
  }

  /// Makes credentials with 128 random bits.
  public static func random() -> ProxyCredentials {
    var bytes = [UInt8](repeating: 0, count: 16)
    guard clinux_random(&bytes, bytes.count) == 0 else { preconditionFailure("getrandom(2) failed") }
    return ProxyCredentials(
      user: "devtunnel", password: bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
  }

  func allows(user: some Collection<UInt8>, password: some Collection<UInt8>) -> Bool {
    // Compare both, so that the time does not reveal the wrong one.
    let isUser = Self.isSame(user, Array(self.user.utf8))
    return Self.isSame(password, Array(self.password.utf8)) && isUser
  }

  /// - Parameter value: of the field Proxy-Authorization.
  func allows(authorization value: some Collection<UInt8>) -> Bool {
    let words = value.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 })
    guard words.count == 2, String(decoding: words[0], as: UTF8.self).lowercased() == "basic" else { return false }
    return Self.isSame(words[1], basic)
  }

  /// Compares in a time that depends on the lengths alone.
  private static func isSame(_ given: some Collection<UInt8>, _ own: [UInt8]) -> Bool {
    guard given.count == own.count else { return false }
    return zip(given, own).reduce(UInt8(0)) { $0 | $1.0 ^ $1.1 } == 0
  }
}

extension IPAddress {
  /// True if a connection to it ends on this machine, however it is written. The routing table decides.
  var isThisMachines: Bool {
    var address = socketAddress(port: 9)
    if clinux_is_loopback(&address) == 1 || bytes.allSatisfy({ $0 == 0 }) { return true }
    // Connecting a UDP socket sends nothing: it chooses the route and our own address on it (connect(2), udp(7)).
    let fd = clinux_udp_connect(&address)
    // Without a descriptor or a route no connection can be made either: it counts as ours.
    guard fd >= 0 else { return true }
    defer { clinux_close(fd) }
    var own = clinux_address()
    return clinux_local_address(fd, &own) != 0 || IPAddress(own) == self
  }
}
