/// The destination of requests: 0 is the way of everybody (the origin, or the host of a whole-Service intercept), the
/// others are numbers that `SplitDriver.route` has returned.
public typealias Way = UInt32

/// One of the connections that a splitter joins.
public enum SplitSide: Equatable, Sendable {
  case client
  case way(Way)
}

/// Does the I/O of a splitter, and decides for it. The agent's connection overrides each method, and so do tests.
///
/// No method calls the splitter back before it has returned. Way 0 is open from the start.
open class SplitDriver {
  public init() {}

  /// Returns the way of a request. It is called once for each.
  open func route(_ request: borrowing RequestHead) -> Way { 0 }
  /// Begins to connect a way. It is called for way 0 as well, if that was closed before.
  open func open(_ way: Way) {}
  /// Sends bytes now or later, in order. The bytes belong to the caller again when it returns.
  open func send(_ bytes: UnsafeRawBufferPointer, to side: SplitSide) {}
  /// Sends a FIN after the bytes that were sent.
  open func finishSending(to side: SplitSide) {}
  /// Takes a request that a `RequestWatch` has seen to its end.
  open func watched(_ request: WatchedRequest) {}
  /// Ends a way that is not needed any more. Nothing of it comes after this.
  open func close(_ way: Way, reset: Bool) {}
  /// Ends the client and all ways: after the bytes that were sent, or at once with a reset.
  open func end(reset: Bool) {}
  /// Returns the number of bytes that wait for a side.
  open func queued(for side: SplitSide) -> Int { 0 }

  // MARK: Copies

  /// True if requests may have to be copied.
  open var copiesRequests: Bool { false }
  /// Returns the ways that get a copy of a request, each connected. It is called once for each, after `route`.
  open func copies(of request: borrowing RequestHead) -> [Way] { [] }
  /// Returns the ways that get a copy of all bytes of a connection.
  /// - Parameter opens: true to connect those that are not.
  open func copiesOfStream(opens: Bool) -> [Way] { [] }
  /// Sends bytes of a copy.
  /// - Returns: false if that host gets nothing more until it is returned again.
  open func copy(_ bytes: UnsafeRawBufferPointer, to way: Way) -> Bool { false }
  /// Notes that a copy that was begun is not sent, or not whole.
  open func copyIsLost(of way: Way) {}
  /// Ends the connection of copies: after the bytes that were sent, or with a reset.
  open func closeCopy(_ way: Way, reset: Bool) {}
  /// Asks to keep more bytes of copies, or fewer.
  /// - Returns: false if that is too much: they are not counted.
  open func holdCopies(_ count: Int) -> Bool { true }
}
