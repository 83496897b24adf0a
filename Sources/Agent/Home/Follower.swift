#if !hasFeature(Embedded)
  import HTTPMessages
  import TunnelProtocol
#endif

/// The protocol of a client's connection, told by its bytes, and the places between two of its messages.
final class Follower {
  enum Kind { case undecided, http1, http2, opaque }
  private(set) var kind = Kind.undecided
  /// Bytes of HTTP/2's preface that have come.
  private var prefaceCount = 0
  /// True once the server has sent something, as a server of HTTP/2 may before its client.
  private var hasServerSpoken = false
  private var http1 = HTTP1Connection()
  private(set) var http2 = HTTP2Connection()

  /// True if neither side has sent a part of a message that the other waits for.
  var isIdle: Bool {
    kind == .undecided ? prefaceCount == 0 && !hasServerSpoken : kind == .http1 && http1.isIdle
  }

  /// True if no byte of another request has come. Its bytes may go to another server once it is idle.
  var isBetweenRequests: Bool {
    kind == .undecided ? prefaceCount == 0 && !hasServerSpoken : kind == .http1 && http1.isBetweenRequests
  }

  /// True if bytes of the server are frames, or may be: `nextFrame` takes them.
  var hasFrames: Bool { kind == .http2 || kind == .undecided }

  /// Sees bytes of the client.
  func fromClient(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while kind == .undecided, let byte = rest.first {
      let preface = HTTP2Frame.preface
      if byte == preface.utf8Start[prefaceCount] {
        prefaceCount += 1
        rest = UnsafeRawBufferPointer(rebasing: rest[1...])
        if prefaceCount == preface.utf8CodeUnitCount { kind = .http2 }
      } else {
        kind = hasServerSpoken ? .opaque : .http1
        http1.fromClient(UnsafeRawBufferPointer(start: preface.utf8Start, count: prefaceCount))
      }
    }
    switch kind {
    case .http1:
      http1.fromClient(rest)
      forgetUnfollowed()
    case .http2: http2.fromClient(rest)
    case .undecided, .opaque: break
    }
  }

  /// Sees bytes of a server that has no frames.
  func fromServer(_ bytes: UnsafeRawBufferPointer) {
    guard kind == .http1 else { return }
    http1.fromServer(bytes)
    forgetUnfollowed()
  }

  /// Sees bytes of an HTTP/2 server, and lets the connection send them, with frames of its own between them.
  func passFrames<Connection: FrameInserting>(_ bytes: UnsafeRawBufferPointer, of connection: Connection) {
    guard !bytes.isEmpty else { return }
    hasServerSpoken = true
    var rest = bytes
    var sent = 0
    while !rest.isEmpty, connection.takesFrames {
      http2.fromServer(&rest)
      guard http2.mayInsert, connection.isStepDue else { continue }
      let end = bytes.count - rest.count
      connection.sendToClient(UnsafeRawBufferPointer(rebasing: bytes[sent..<end]))
      sent = end
      connection.step()
    }
    if sent < bytes.count, connection.takesFrames {
      connection.sendToClient(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    }
  }

  private func forgetUnfollowed() { if !http1.isFollowed { kind = .opaque } }
}

/// A connection of a client of HTTP/2 that gets frames of ours.
protocol FrameInserting: AnyObject {
  /// True if `step` has something to do, such as to send a frame.
  var isStepDue: Bool { get }
  /// False once the connection ends.
  var takesFrames: Bool { get }
  func step()
  func sendToClient(_ bytes: UnsafeRawBufferPointer)
  /// Sends bytes that are not the server's.
  func insert(_ bytes: UnsafeRawBufferPointer)
}

extension FrameInserting {
  /// Sends a GOAWAY.
  func sendGoAway(_ lastStream: UInt32) {
    withUnsafeTemporaryAllocation(byteCount: HTTP2Connection.goAwaySize, alignment: 8) { frame in
      HTTP2Connection.writeGoAway(lastStream: lastStream, to: frame.baseAddress!)
      insert(UnsafeRawBufferPointer(frame))
    }
  }
}
