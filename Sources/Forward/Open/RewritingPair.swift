import HTTPMessages
import Relay

/// A client of `devtunnel open`, joined to the socket that leads into the tunnel; heads are rewritten in between.
final class RewritingPair: SocketPair {
  private let rewriter: HTTPRewriter
  /// True once bytes of an answer were sent to the client.
  private var hasAnswered = false

  /// Takes over two connected sockets.
  init(loop: EventLoop, client: Int32, tunnel: Int32, rewrite: HeadRewrite) {
    rewriter = HTTPRewriter(rewrite)
    super.init(loop: loop, left: client, right: tunnel)
  }

  override func pass(_ bytes: UnsafeRawBufferPointer, toLeft: Bool) {
    let goesOn = rewriter.received(bytes, fromClient: !toLeft) { bytes, toClient in
      // Sending may have closed both.
      guard !isOver, !isFinishing else { return }
      if toClient { hasAnswered = true }
      send(bytes, toLeft: toClient)
    }
    if !goesOn { finish() }
  }

  override var keepsLeft: Bool { rewriter.isHolding }

  /// Tells the client the reason for which the cluster has no answer, and ends.
  func fail(_ problem: String) {
    guard !isOver, !isFinishing else { return }
    guard !hasAnswered else { return close(reset: true) }
    let text = "devtunnel: \(problem)\n"
    let answer =
      "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Type: text/plain\r\n"
      + "Content-Length: \(text.utf8.count)\r\n\r\n" + text
    Array(answer.utf8).withUnsafeBytes { send($0, toLeft: true) }
    finish()
  }
}
