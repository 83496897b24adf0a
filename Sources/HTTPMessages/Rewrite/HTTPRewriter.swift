/// Rewrites the heads in one connection of HTTP/1.1 or HTTP/2. Bodies pass as they came.
public final class HTTPRewriter {
  /// The bytes that a call hands on.
  public typealias Send = (_ bytes: UnsafeRawBufferPointer, _ toClient: Bool) -> Void

  private enum Version {
    case unknown
    case first(HTTP1Rewriter)
    case second(HTTP2Rewriter)
  }

  private let rewrite: HeadRewrite
  private var version = Version.unknown
  /// The first bytes of the client, while they may be HTTP/2's.
  private var preface: [UInt8] = []
  /// Bytes of a server that has spoken before the client: HTTP/2's may.
  private var early: [UInt8] = []
  private static let earlyLimit = 64 << 10

  public init(_ rewrite: HeadRewrite) { self.rewrite = rewrite }

  /// True while bytes of the client wait for an answer.
  public var isHolding: Bool { if case .first(let rewriter) = version { rewriter.isHolding } else { false } }

  /// Takes bytes of a side.
  /// - Returns: false if the connection has to end once the bytes that were handed on are sent.
  public func received(_ bytes: UnsafeRawBufferPointer, fromClient: Bool, _ send: Send) -> Bool {
    switch version {
    case .unknown:
      guard fromClient else { return hold(bytes) }
      preface.append(contentsOf: bytes)
      let whole = HTTP2Frame.preface
      let count = min(preface.count, whole.utf8CodeUnitCount)
      for index in 0..<count where preface[index] != whole.utf8Start[index] {
        version = .first(HTTP1Rewriter(rewrite))
        return replay(send)
      }
      guard count == whole.utf8CodeUnitCount else { return true }
      version = .second(HTTP2Rewriter(rewrite))
      return replay(send)
    case .first(let rewriter): return rewriter.received(bytes, fromClient: fromClient, send)
    case .second(let rewriter): return rewriter.received(bytes, fromClient: fromClient, send)
    }
  }

  private func hold(_ bytes: UnsafeRawBufferPointer) -> Bool {
    early.append(contentsOf: bytes)
    guard early.count >= 4 else { return true }
    // A SETTINGS frame, or an answer to a request that has not come yet. No other protocol is passed on.
    let isHTTP2 = early[0] == 0 && early[3] == HTTP2Frame.settings
    return early.count <= Self.earlyLimit && (isHTTP2 || early.startsLike(Array(bytes: "http")))
  }

  private func replay(_ send: Send) -> Bool {
    let (client, server) = (preface, early)
    preface = []
    early = []
    guard client.withUnsafeBytes({ received($0, fromClient: true, send) }) else { return false }
    return server.isEmpty || server.withUnsafeBytes { received($0, fromClient: false, send) }
  }
}
