import KubeAPI
import Relay

/// A connected port-forward before it moves to the relay's thread.
public struct PortForwardConnection: Sendable {
  public let connection: UpgradedConnection
  public let port: UInt16

  /// The subprotocol that the server chose.
  public var subprotocol: String { connection.subprotocol ?? V4Framing.name }

  /// Makes the carrier; call it on the relay's thread.
  public func carrier(on loop: EventLoop) -> PortForwardCarrier {
    let framing: any PortForwardFraming = subprotocol == SPDYFraming.name ? SPDYFraming(port: port) : V4Framing()
    return PortForwardCarrier(loop: loop, connection: connection, framing: framing)
  }
}

/// The carriers to offer.
public enum CarrierProtocol: String, Sendable, CaseIterable {
  /// SPDY in a WebSocket if the server has it (Kubernetes 1.30 and later), else v4.
  case auto
  case spdy
  case v4

  var subprotocols: [String] {
    switch self {
    case .auto: [SPDYFraming.name, V4Framing.name]
    case .spdy: [SPDYFraming.name]
    case .v4: [V4Framing.name]
    }
  }
}

extension KubeClient {
  /// Opens a port-forward to one port of a Pod's loopback (`pods/portforward`; RBAC requires `get` and `create`).
  public func dialPortForward(
    namespace: String, pod: String, port: UInt16, offering protocols: CarrierProtocol = .auto
  ) async throws(KubeError) -> PortForwardConnection {
    let path = APIResource.pods.path(namespace: namespace, name: pod, subresource: "portforward")
    let connection = try await dialWebSocket(
      path: path, query: [("ports", String(port))], subprotocols: protocols.subprotocols)
    return PortForwardConnection(connection: connection, port: port)
  }
}
