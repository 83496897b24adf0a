/// The kind of a connection, as its first bytes and its course tell.
public enum ConnectionKind: Int, Sendable, Hashable, CaseIterable {
  case http1, http2, tls
  /// Any other protocol.
  case other
}

/// Takes the exchanges that an observer finds, and decides about bodies. Each method is overridden; none calls the
/// observer back.
open class ObserverDriver {
  public init() {}

  /// Returns the number of a new exchange.
  open func nextID() -> UInt64 { 0 }
  /// True if new exchanges keep their bodies.
  open var keepsBodies: Bool { false }
  /// Reserves room for bytes of a body that are about to be kept.
  /// - Returns: false if there is none.
  open func mayKeep(_ count: Int) -> Bool { true }
  /// Reserves room for heads of exchanges under way; a negative number gives it back.
  /// - Returns: false if there is none: the connection is not followed any more.
  open func mayHold(_ count: Int) -> Bool { true }
  /// Called once for a connection, if its kind becomes known.
  open func isOf(_ kind: ConnectionKind) {}
  open func began(_ exchange: ObservedExchange) {}
  /// Called once for each that began, also if it failed.
  open func ended(_ exchange: ObservedExchange) {}
}
