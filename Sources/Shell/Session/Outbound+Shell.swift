import CLinux
import ControlAPI
import Outbound
import Relay
import ShellChannel

extension Outbound {
  /// Takes over the sockets of a shell.
  func attach(_ hello: ShellHello, _ peer: ShellPeer) {
    attach(tcp: hello.tcp.take(), mode: hello.mode == .tproxy ? .localName : .originalDestination)
    if let udp = hello.udp {
      attach(udp: udp.take(), icmp: hello.icmp?.take() ?? -1) { [weak peer] address, completion in
        guard let peer else { return completion(nil) }
        peer.mint(.udp(boundTo: address)) { completion($0?.take()) }
      }
    }
    for sockets in hello.dns { attach(dnsUDP: sockets.udp.take(), dnsTCP: sockets.tcp.take()) }
  }
}

extension OutboundReport {
  /// Adds the data path's counts.
  public mutating func add(_ figures: OutboundFigures) {
    clusterConnections = figures.tcp.viaCluster
    hostConnections = figures.tcp.viaHost + figures.tcp.viaHostLoopback
    refused = figures.tcp.refused + figures.udp.refused
    flows = figures.udp.open
    queries = figures.dns.queries
    cachedQueries = figures.dns.fromCache
    lastProblem = figures.lastProblem
    lastQueries = figures.lastQueries.map {
      Query(
        name: $0.name, type: $0.type, answer: $0.rcode, source: $0.source.rawValue,
        milliseconds: Double($0.microseconds) / 1000)
    }
  }
}
