#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

// The requests of a connection for those who want to see them.

extension SplitConnection {
  /// Begins to follow the connection if somebody watches the port, and ends when nobody does.
  /// - Parameter isBetween: true if no message is under way.
  @inline(never) func look(isHTTP2: Bool, isBetween: Bool) {
    if listener.watcher == nil {
      watch = nil
    } else if watch == nil, isBetween {
      watch = RequestWatch(isHTTP2: isHTTP2, driver: self)
    }
  }

  /// Tells all who watch the port.
  @inline(never) func tell(_ request: WatchedRequest) {
    var holder = request.holder
    if request.way == 0, !isOnOrigin, let owner = listener.owner { holder = owner.holder }
    var each = listener.watcher
    while let watcher = each {
      watcher.offer(request, holder: holder, duration: loop.now &- request.start)
      each = watcher.next
    }
  }
}
