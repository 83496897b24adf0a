import LabStore
import NIOHTTP1

/// A port-forward request, and the protocol that will carry it.
struct PortForwardOffer: Sendable, Equatable {
  enum Carrier: Sendable, Equatable {
    /// `v4.channel.k8s.io`: two channels for each port of the query, one connection each.
    case channels(ports: [UInt16])
    /// `SPDY/3.1+portforward.k8s.io`: SPDY in binary WebSocket messages.
    case spdyInWebSocket
    /// `Upgrade: SPDY/3.1`, without WebSocket.
    case spdy
  }

  static let channelProtocol = "v4.channel.k8s.io"
  static let spdyProtocol = "SPDY/3.1+portforward.k8s.io"
  static let streamProtocol = "portforward.k8s.io"

  var pod: ObjectKey
  var carrier: Carrier
  /// The WebSocket subprotocol to answer with; nil where the client offered none.
  var subprotocol: String?

  /// - Throws: `StatusError` with the code that the API server gives: 405 for a WebSocket that is no GET, 403 for
  ///   protocols that are not known, 400 where ports or the upgrade are missing.
  init(pod: ObjectKey, method: HTTPMethod, headers: HTTPHeaders, query: QueryParameters) throws {
    self.pod = pod
    switch headers.first(name: "upgrade")?.lowercased() {
    case "websocket":
      guard method == .GET else { throw StatusError.methodNotAllowed("a WebSocket upgrade is a GET") }
      let offered = headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
      if offered.contains(Self.spdyProtocol) {
        (carrier, subprotocol) = (.spdyInWebSocket, Self.spdyProtocol)
      } else if offered.isEmpty || offered.contains(Self.channelProtocol) {
        carrier = .channels(ports: try Self.ports(query))
        subprotocol = offered.isEmpty ? nil : Self.channelProtocol
      } else {
        throw StatusError(403, "Forbidden", "none of the offered subprotocols is known: \(offered)")
      }
    case "spdy/3.1":
      let versions = headers[canonicalForm: "x-stream-protocol-version"].map(String.init)
      guard versions.isEmpty || versions.contains(Self.streamProtocol) else {
        throw StatusError(
          403, "Forbidden", "unable to upgrade: unable to negotiate protocol: client supports \(versions)")
      }
      carrier = .spdy
    default: throw StatusError.badRequest("Upgrade request required")
    }
  }

  /// `ports=8080,7000` or `ports=8080&ports=7000`.
  private static func ports(_ query: QueryParameters) throws -> [UInt16] {
    let words = query.all("ports").flatMap { $0.split(separator: ",") }
    let ports = words.compactMap { UInt16($0) }.filter { $0 > 0 }
    guard !words.isEmpty else { throw StatusError.badRequest("query parameter \"ports\" is required") }
    guard ports.count == words.count else {
      throw StatusError.badRequest("invalid port in query parameter \"ports\": \(words)")
    }
    return ports
  }
}
