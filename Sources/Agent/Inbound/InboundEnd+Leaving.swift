import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

// A connection on a host whose port goes elsewhere: it follows with its next request. A client of HTTP/2 is asked to
// connect again. One of any other protocol stays, until the host's daemon cuts what lasts.

extension InboundEnd: FrameInserting {
  /// Called when new connections of the port go elsewhere.
  func leave() {
    guard !isLeaving, !isInner, listener.isForOrigin(client) else { return }
    isLeaving = true
    step()
    moveIfIdle()
  }

  /// True if bytes of another request wait in the client's socket.
  var hasNextRequest: Bool { follower.isBetweenRequests && clinux_has_bytes(fd) != 0 }

  /// Lets the client's connection go where new ones go, with its next request. Without one it stays: the client may
  /// wait for the host to end it.
  func moveIfIdle() {
    guard isLeaving, status == .connected, isWhole, waitingBytes == 0 else { return }
    // A protocol that is followed no more may have stopped between two of its requests.
    guard follower.isIdle else { return session.wantsToSend(self) }
    guard hasNextRequest else { return }
    listener.move(leaveHost(to: FarewellEnd(session: session, slot: slot)), of: client)
  }

  // MARK: HTTP/2

  var takesFrames: Bool { !isOver && !isDismissed }

  var isStepDue: Bool {
    guard isLeaving, follower.kind == .http2, follower.http2.mayInsert else { return false }
    return announcedAt == 0 || follower.http2.isQuiet && loop.now - announcedAt >= OriginConnection.settleTime
  }

  func step() {
    guard isStepDue, takesFrames else { return }
    if announcedAt == 0 {
      announcedAt = max(loop.now, 1)
      sendGoAway(HTTP2Connection.everyStream)
      loop.schedule(self, after: OriginConnection.settleTime, kind: Self.stepTimer)
    } else {
      sendGoAway(follower.http2.lastStream)
      isDismissed = true
      // As if the host had ended it: the client closes its side.
      finished()
    }
  }

  func stepTimeCame() {
    step()
    if takesFrames { loop.schedule(self, after: InboundListener.lookInterval, kind: Self.stepTimer) }
  }

  func sendToClient(_ bytes: UnsafeRawBufferPointer) { deliver(bytes) }
}
