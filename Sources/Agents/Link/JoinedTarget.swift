import Relay
import TunnelProtocol

/// A port of another cluster to which connections that arrive at an agent are joined. Lives on the relay's thread.
public final class JoinedTarget {
  private let endpoint: LinkEndpoint
  /// The target's present address; while it is nil, connections are refused.
  public var preamble: Preamble?
  /// Called when a dial fails: the target may have moved.
  private let onFailure: (StreamStatus) -> Void

  /// - Parameter endpoint: of the link into that cluster.
  public init(endpoint: LinkEndpoint, preamble: Preamble?, onFailure: @escaping (StreamStatus) -> Void) {
    self.endpoint = endpoint
    self.preamble = preamble
    self.onFailure = onFailure
  }

  /// Makes the end of a stream to this target. Nothing waits for a tunnel: a connection that is refused at once goes to
  /// the origin.
  func accept(_ preamble: Preamble, slot: Int, session: Session, router: StreamRouter) -> JoinedAcceptorEnd {
    let end = JoinedAcceptorEnd(session: session, slot: slot, preamble: preamble, router: router, onFailure: onFailure)
    if let target = self.preamble, let way = endpoint.session, way.isOpen, !way.isSilent {
      end.join(way, by: target)
    } else {
      end.refuse(.unreachable)
    }
    return end
  }
}
