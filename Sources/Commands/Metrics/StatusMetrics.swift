import ControlAPI
import FoundationEssentials

/// The daemon's state as metrics; docs/output.md lists them.
enum StatusMetrics {
  /// - Parameter status: nil if no daemon runs.
  static func families(_ status: StatusReport?) -> [MetricFamily] {
    var up = MetricFamily("devtunnel_up", .gauge, "1 if the daemon runs.")
    up.add([], status == nil ? 0 : 1)
    guard let status else { return [up] }
    return [up] + daemon(status.daemon) + intercepts(status.intercepts) + sessions(status.sessions)
      + forwards(status.forwards) + outbound(status.outbound)
  }

  private static func daemon(_ daemon: DaemonReport?) -> [MetricFamily] {
    guard let daemon else { return [] }
    var build = MetricFamily("devtunnel_build_info", .gauge, "The daemon's program.")
    build.add([("version", daemon.version), ("build", daemon.build)], 1)
    var start = MetricFamily("devtunnel_start_time", .gauge, unit: "seconds", "The daemon's start, since 1970.")
    if let date = try? Date(daemon.since, strategy: .iso8601) { start.add([], date.timeIntervalSince1970) }
    return [build, start]
  }

  private static func intercepts(_ all: [InterceptReport]) -> [MetricFamily] {
    var states = MetricFamily("devtunnel_intercepts", .gauge, "Intercepts by state.")
    for state in [InterceptReport.State.starting, .active, .failedOpen, .leaving] {
      states.add([("state", state.rawValue)], all.count { $0.state == state })
    }
    var connections = MetricFamily(
      "devtunnel_intercept_connections", .counter,
      "Connections since the start, by the side that got them: the host, or the workload's own Pods. "
        + "With rules, the host's are requests.")
    var copies = MetricFamily("devtunnel_intercept_copies", .counter, "Copies of a mirror, by their outcome.")
    var away = MetricFamily(
      "devtunnel_intercept_origin_connections", .gauge,
      "Connections that are with the workload's own Pods now, by the reason.")
    for one in all {
      for port in one.ports where port.host != nil || port.to != nil {
        let labels: MetricFamily.Labels = [
          ("context", one.context), ("namespace", one.namespace), ("service", one.service), ("port", "\(port.service)"),
        ]
        connections.add(labels + [("to", "host")], port.toHost)
        connections.add(labels + [("to", "origin")], port.toOrigin)
        if let sent = port.copies {
          copies.add(labels + [("outcome", "sent")], sent)
          copies.add(labels + [("outcome", "lost")], port.lostCopies ?? 0)
        }
        for cause in InterceptReport.Port.OriginCause.allCases {
          away.add(labels + [("reason", cause.rawValue)], port.onOrigin?[cause] ?? 0)
        }
      }
    }
    return [states, connections, copies, away]
  }

  private static func sessions(_ all: [SessionReport]) -> [MetricFamily] {
    var states = MetricFamily("devtunnel_sessions", .gauge, "Tunnels to agents by state.")
    for state in ["connecting", "connected", "silent"] {
      states.add([("state", state)], all.count { $0.state == state })
    }
    var trip = MetricFamily(
      "devtunnel_session_round_trip", .gauge, unit: "seconds", "The tunnel's last measured round trip.")
    var streams = MetricFamily("devtunnel_session_streams", .gauge, "Streams that are open in the tunnel.")
    var sent = MetricFamily("devtunnel_session_sent", .counter, unit: "bytes", "Bytes to the agent.")
    var received = MetricFamily("devtunnel_session_received", .counter, unit: "bytes", "Bytes from the agent.")
    for one in all {
      let labels: MetricFamily.Labels = [
        ("context", one.context), ("namespace", one.namespace), ("agent", one.agent),
      ]
      if let milliseconds = one.roundTripMilliseconds { trip.add(labels, milliseconds / 1000) }
      streams.add(labels, one.streams)
      sent.add(labels, one.sentBytes)
      received.add(labels, one.receivedBytes)
    }
    return [states, trip, streams, sent, received]
  }

  private static func forwards(_ all: [ForwardReport]) -> [MetricFamily] {
    var count = MetricFamily("devtunnel_forwards", .gauge, "Forwards that are open.")
    count.add([], all.count)
    var connections = MetricFamily("devtunnel_forward_connections", .counter, "Connections of a forward's port.")
    var refused = MetricFamily("devtunnel_forward_refused", .counter, "Connections that the target did not take.")
    for one in all {
      for port in one.ports {
        let labels: MetricFamily.Labels = [
          ("id", one.id), ("context", one.context), ("namespace", one.namespace), ("target", one.target),
          ("port", port.remote), ("host", port.host),
        ]
        connections.add(labels, port.connections)
        refused.add(labels, port.refused)
      }
    }
    return [count, connections, refused]
  }

  private static func outbound(_ all: [OutboundReport]) -> [MetricFamily] {
    var count = MetricFamily("devtunnel_outbound", .gauge, "Shells and proxies by kind.")
    for kind in Set(["shell", "proxy"] + all.map(\.kind)).sorted() {
      count.add([("kind", kind)], all.count { $0.kind == kind })
    }
    var connections = MetricFamily(
      "devtunnel_outbound_connections", .counter, "Connections of a shell or proxy, by their way.")
    var refused = MetricFamily("devtunnel_outbound_refused", .counter, "Connections that were refused.")
    var flows = MetricFamily("devtunnel_outbound_udp_flows", .gauge, "UDP flows that last.")
    var queries = MetricFamily("devtunnel_outbound_queries", .counter, "DNS queries.")
    var cached = MetricFamily("devtunnel_outbound_cached_queries", .counter, "DNS queries that the cache answered.")
    for one in all {
      let labels: MetricFamily.Labels = [
        ("id", one.id), ("kind", one.kind), ("context", one.context), ("namespace", one.namespace),
      ]
      connections.add(labels + [("via", "cluster")], one.clusterConnections)
      connections.add(labels + [("via", "host")], one.hostConnections)
      refused.add(labels, one.refused)
      flows.add(labels, one.flows)
      queries.add(labels, one.queries)
      cached.add(labels, one.cachedQueries)
    }
    return [count, connections, refused, flows, queries, cached]
  }
}
