/// The place of a connection, which all its exchanges share.
public final class ObservedPlace: Sendable {
  public let way: Exchange.Way
  public let taker: Exchange.Taker
  /// The Service or target; empty if it is not known.
  public let service: String
  public let namespace: String
  /// The kubeconfig context of the cluster; empty if it is not known.
  public let context: String
  public let port: Int

  public init(
    way: Exchange.Way, taker: Exchange.Taker, service: String, namespace: String, context: String = "", port: Int
  ) {
    self.way = way
    self.taker = taker
    self.service = service
    self.namespace = namespace
    self.context = context
    self.port = port
  }
}

/// A head or trailers as they passed: their texts are made when somebody looks.
public struct ObservedHead: Sendable {
  /// HTTP/1: the lines; HTTP/2: names and values behind one another.
  var bytes: [UInt8]
  /// HTTP/2: the sizes of name, value, name, value…; nil for lines.
  var sizes: [Int]?

  static func lines(_ bytes: [UInt8]) -> ObservedHead { ObservedHead(bytes: bytes, sizes: nil) }

  /// The memory that it takes, bytes.
  var size: Int { bytes.count + (sizes?.count ?? 0) * 8 }
}

/// A body as it passes.
public struct ObservedBody: Sendable {
  /// The bytes that have passed, without chunks' framing and padding.
  public internal(set) var size = 0
  var bytes: [UInt8] = []
  var isKept = false
  var isCut = false
  /// More of a body is not kept.
  static let limit = 1 << 20

  /// Takes the next part.
  mutating func take(_ part: UnsafeRawBufferPointer, _ driver: ObserverDriver) {
    size += part.count
    guard isKept, !isCut, !part.isEmpty else { return }
    let count = min(part.count, Self.limit - bytes.count)
    guard count > 0, driver.mayKeep(count) else {
      isCut = true
      return
    }
    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: part[..<count]))
    isCut = count < part.count
  }
}

/// An exchange in the form in which it is kept: cheap to make, since most are never looked at.
public struct ObservedExchange: Sendable, Identifiable {
  public let id: UInt64
  public let place: ObservedPlace
  let version: Version
  let start: Double
  var wait: Double?
  var duration: Double?
  var request: ObservedHead
  var answer: ObservedHead?
  var trailers: ObservedHead?
  public internal(set) var requestBody = ObservedBody()
  public internal(set) var answerBody = ObservedBody()
  var failure: String?

  enum Version: String, Sendable {
    case http10 = "HTTP/1.0"
    case http11 = "HTTP/1.1"
    case http2 = "HTTP/2"
  }

  /// True once it has ended.
  public var isOver: Bool { duration != nil }
  /// The bytes of bodies that were kept.
  public var bodyBytes: Int { requestBody.bytes.count + answerBody.bytes.count }
  /// The memory that it takes without bodies, bytes; roughly.
  public var headBytes: Int { 300 + request.size + (answer?.size ?? 0) + (trailers?.size ?? 0) }

  /// Frees the memory of all texts and bodies.
  mutating func forget() {
    request = .lines([])
    answer = nil
    trailers = nil
    dropBodies()
  }

  /// Forgets the bodies' bytes.
  public mutating func dropBodies() {
    for part in [\ObservedExchange.requestBody, \ObservedExchange.answerBody] where self[keyPath: part].isKept {
      self[keyPath: part].bytes = []
      self[keyPath: part].isKept = false
    }
  }
}
