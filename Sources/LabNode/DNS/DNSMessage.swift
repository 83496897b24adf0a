/// A DNS message as far as a cluster's server needs it: one question, answers, authority and additional records (RFC
/// 1035 section 4).
struct DNSMessage: Sendable, Equatable {
  enum ResponseCode: UInt8, Sendable {
    case noError = 0
    case formatError = 1
    case serverFailure = 2
    case nameError = 3
    case notImplemented = 4
    case refused = 5
  }

  var identifier: UInt16 = 0
  var isResponse = false
  var opcode: UInt8 = 0
  var isAuthoritative = false
  var isTruncated = false
  var recursionDesired = false
  var recursionAvailable = false
  var responseCode: UInt8 = 0
  var questions: [DNSQuestion] = []
  var answers: [DNSRecord] = []
  var authorities: [DNSRecord] = []
  var additionals: [DNSRecord] = []
  /// The sender's UDP payload size where it speaks EDNS0 (RFC 6891 section 6.1.2).
  var udpPayloadSize: UInt16?
}

/// The types a cluster's zone has; any other number passes through as it is.
struct DNSType: RawRepresentable, Hashable, Sendable {
  var rawValue: UInt16
  static let a = DNSType(rawValue: 1)
  static let ns = DNSType(rawValue: 2)
  static let cname = DNSType(rawValue: 5)
  static let soa = DNSType(rawValue: 6)
  static let ptr = DNSType(rawValue: 12)
  static let aaaa = DNSType(rawValue: 28)
  static let srv = DNSType(rawValue: 33)
  static let opt = DNSType(rawValue: 41)
  static let any = DNSType(rawValue: 255)
}

struct DNSQuestion: Sendable, Hashable {
  var name: DNSName
  var type: DNSType
  /// 1 is IN, the internet.
  var recordClass: UInt16 = 1
}

struct DNSRecord: Sendable, Hashable {
  enum Value: Sendable, Hashable {
    case address(IPv4Address)
    case pointer(DNSName)
    case alias(DNSName)
    /// RFC 2782.
    case service(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
    case authority(primary: DNSName, mailbox: DNSName, serial: UInt32, minimum: UInt32)
    case other(DNSType, [UInt8])
  }

  var name: DNSName
  /// Seconds.
  var timeToLive: UInt32
  var value: Value

  var type: DNSType { value.type }
}

extension DNSRecord.Value {
  var type: DNSType {
    switch self {
    case .address: .a
    case .pointer: .ptr
    case .alias: .cname
    case .service: .srv
    case .authority: .soa
    case .other(let type, _): type
    }
  }
}

/// A domain name: labels in the case they were written in, compared without it (RFC 4343). The root has none.
struct DNSName: Sendable, Hashable, CustomStringConvertible {
  private(set) var labels: [[UInt8]]

  /// - Parameter labels: each of 1 to 63 bytes; with their lengths at most 254.
  init(labels: [[UInt8]]) { self.labels = labels }

  /// Reads `a.b.c`, with or without the last dot. Backslash escapes are not read: no name of Kubernetes needs one.
  init(_ text: String) { labels = text.split(separator: ".").map { Array($0.utf8) } }

  /// True if the name can stand in a message (RFC 1035 section 2.3.4). Names of objects need not.
  var isWritable: Bool {
    labels.allSatisfy { (1...63).contains($0.count) } && labels.reduce(1) { $0 + $1.count + 1 } <= 255
  }

  /// The name in lower case without the last dot, as it is looked up.
  var key: String { labels.map { String(decoding: $0.map(Self.lowered), as: UTF8.self) }.joined(separator: ".") }
  var description: String { key + "." }

  static func == (left: Self, right: Self) -> Bool {
    left.labels.count == right.labels.count
      && zip(left.labels, right.labels).allSatisfy { $0.map(lowered) == $1.map(lowered) }
  }

  func hash(into hasher: inout Hasher) {
    for label in labels { hasher.combine(label.map(Self.lowered)) }
  }

  private static func lowered(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte + 32 : byte }
}
