import CShell
import Glibc

/// Reads a plan: a `keyword value` per line; empty lines and lines that begin with # are skipped. Errors name lines and
/// known keywords, never a line's text: the file may not be a plan.
struct PlanParser {
  /// The name of the plan in errors.
  let file: String
  private(set) var plan = ShellPlan()
  private var seen: Set<String> = []

  private static let repeatable: Set<String> = ["dns", "bind", "bind-over", "host-port"]
  private static let required = ["socket", "id", "address", "dns", "resolv-conf"]
  private static let optional = ["nsswitch", "hosts", "hostname"]
  /// As many as one hello can carry.
  private static let mostDNS = 16

  /// Reads the file and removes it.
  static func read(path: String) throws(ShellError) -> ShellPlan {
    try PlanFile.take(path) { text throws(ShellError) in try parse(text, file: path) }
  }

  static func parse(_ text: String, file: String) throws(ShellError) -> ShellPlan {
    var parser = PlanParser(file: file)
    for (number, line) in try PlanFile.lines(of: text, file: file) {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2 else { throw parser.problem(number, "the keyword", "has no value") }
      try parser.take(keyword: String(parts[0]), value: String(parts[1]), line: number)
    }
    for keyword in required where !parser.seen.contains(keyword) {
      throw ShellError(file, reason: "the keyword \(keyword) is missing")
    }
    return parser.plan
  }

  private init(file: String) { self.file = file }

  private func problem(_ line: Int, _ keyword: String, _ what: String) -> ShellError {
    ShellError("\(file):\(line)", reason: "\(keyword) \(what)")
  }

  private mutating func take(keyword: String, value: String, line: Int) throws(ShellError) {
    func problem(_ what: String) -> ShellError { self.problem(line, keyword, what) }
    func address() throws(ShellError) -> IPv4Address {
      guard let address = IPv4Address(value), !address.isLoopback, address.value != 0 else {
        throw problem("is no IPv4 address that can be used")
      }
      return address
    }
    func path() throws(ShellError) -> String {
      guard value.hasPrefix("/") else { throw problem("is no absolute path") }
      return value
    }
    if Self.isKnown(keyword), !seen.insert(keyword).inserted, !Self.repeatable.contains(keyword) {
      throw problem("appears twice")
    }
    switch keyword {
    case "socket": plan.socket = try path()
    case "id":
      guard Self.isID(value) else { throw problem("is not 32 hex digits") }
      plan.id = value
    case "address": plan.address = try address()
    case "dns":
      guard plan.dns.count < Self.mostDNS else { throw problem("appears more than \(Self.mostDNS) times") }
      let server = try address()
      if !plan.dns.contains(server) { plan.dns.append(server) }
    case "resolv-conf": plan.resolvConf = try path()
    case "nsswitch": plan.nsswitch = try path()
    case "hosts": plan.hosts = try path()
    case "bind", "bind-over":
      let paths = value.split(separator: " ").map(Self.decoded)
      guard paths.count == 2, let source = paths[0], let target = paths[1], Self.isPlain(source), Self.isPlain(target)
      else {
        throw problem("needs two absolute paths, percent-encoded, without . and ..")
      }
      plan.binds.append(ShellPlan.Bind(source: source, target: target, over: keyword == "bind-over"))
    case "host-port":
      guard let port = UInt16(value), port > 0 else { throw problem("is no port") }
      if !plan.hostPorts.contains(port) { plan.hostPorts.append(port) }
    case "hostname":
      guard (1...64).contains(value.utf8.count) else { throw problem("has 1 to 64 bytes (sethostname(2))") }
      plan.hostname = value
    default:
      throw self.problem(line, "the keyword", "is none of a plan: daemon and devtunnel-shell are of different versions")
    }
  }

  private static func isKnown(_ keyword: String) -> Bool {
    repeatable.contains(keyword) || required.contains(keyword) || optional.contains(keyword)
  }

  static func isID(_ text: String) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  /// Compares bytes: in a String, a slash and a combining mark behind it are one Character, and no slash.
  private static func isPlain(_ path: String) -> Bool {
    let slash = UInt8(ascii: "/")
    let parts = path.utf8.split(separator: slash)
    return path.utf8.first == slash && !parts.isEmpty
      && parts.allSatisfy { !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) && $0.count <= 255 }
  }

  /// Decodes by RFC 3986, section 2.1; nil if a % is not followed by two hex digits, or for a NUL.
  static func decoded(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == 0x25 else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), value != 0
      else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
