import Relay
import TunnelProtocol

/// A port of another cluster that connections which arrive at an agent are joined to. Lives on the relay's thread.
public final class JoinedTarget {
  private let endpoint: LinkEndpoint
  /// Where it is there now; nil while that is not known: connections are refused.
  public var preamble: Preamble?
  /// A dial did not get through: the target may have moved.
  private let onFailure: (StreamStatus) -> Void

  /// - Parameter endpoint: of the link into that cluster.
  public init(endpoint: LinkEndpoint, preamble: Preamble?, onFailure: @escaping (StreamStatus) -> Void) {
    self.endpoint = endpoint
    self.preamble = preamble
    self.onFailure = onFailure
  }

  /// The end of a stream that is led here. Nothing waits for a tunnel: what is refused at once goes to the origin.
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
