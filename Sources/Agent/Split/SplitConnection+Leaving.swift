#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
#endif

// The ends of rules, of the agent and of the connections on the origin: each waits for the end of requests.

extension SplitConnection {
  /// Closes a way once its requests are answered, since its rules have ended.
  func retire(_ way: Way) {
    if copyWay(way) != nil {
      closeCopy(way, reset: false)
      if case .http2(let splitter) = engine { splitter.copyEnded(way) }
    }
    guard host(way) != nil else { return }
    switch engine {
    case .http1(let splitter): splitter.retire(way)
    case .http2(let splitter): splitter.retire(way)
    case .undecided: break
    }
    run()
  }

  /// Ends between two requests, since this agent ends.
  func leave() {
    switch engine {
    case .http1(let splitter): splitter.leave()
    case .http2(let splitter): splitter.leave()
    case .undecided: break
    }
    if let client { loop.schedule(client, after: Self.settleTime, kind: SplitSocket.connectionTimer) }
    run()
  }

  /// Ends a connection that is still on the origin, if the time is over that the user allows it.
  func step() {
    guard isOnOrigin, renewedAt != 0, loop.now - renewedAt >= listener.homeAfter else { return }
    end(reset: false)
  }

  /// True if it ends at a later time, unless it leaves the origin before.
  var hasDeadline: Bool { isOnOrigin && renewedAt != 0 && listener.homeAfter > 0 }

  /// Takes another way 0 from the next request on. A client of HTTP/2 connects again for it.
  func renew() {
    renewedAt = listener.liveSession == nil ? 0 : max(loop.now, 1)
    switch engine {
    case .http1(let splitter): splitter.renew()
    case .http2: return leave()
    case .undecided:
      hasZeroFailed = false
      close(0, reset: false)
      open(0)
    }
    run()
  }
}
