import NIOCore

/// Frames out of a connection's bytes, until the first that is none.
final class SPDYReader {
  private var buffer = ByteBuffer()
  private var isBroken = false

  /// - Parameter take: throws for a frame that makes no sense here.
  /// - Returns: false, once, when the client has broken the protocol: report that to it, and close the connection.
  func read(_ bytes: ByteBuffer, _ take: (SPDYFrame) throws -> Void) -> Bool {
    guard !isBroken else { return true }
    var bytes = bytes
    if buffer.readableBytes == 0 { swap(&buffer, &bytes) } else { buffer.writeBuffer(&bytes) }
    do {
      while let frame = try SPDYFrame.read(from: &buffer) { try take(frame) }
      buffer.discardReadBytes()
    } catch {
      isBroken = true
    }
    return !isBroken
  }
}
