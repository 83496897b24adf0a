import KubeAPI

/// An expected connection of libcurl's that becomes a channel.
struct Arrival: Sendable {
  let incoming: APIConnector.Incoming
  let host: String
  let port: UInt16
  let report: @Sendable (ChannelEvent) -> Void

  func take() -> Opening? {
    // libcurl never closes one direction alone.
    incoming.take().map { Opening(host: host, port: port, socket: $0, endsAtOnce: true, report: report) }
  }
}
