import Exchanges
import Replay

/// A port of this machine that leads to a target of the cluster.
public struct ForwardedPort: Sendable, Hashable {
  /// `svc/user`.
  public var target: String
  /// The target's port, by number or name.
  public var port: String
  public var address: String
  public var host: UInt16

  public init(target: String, port: String, address: String, host: UInt16) {
    self.target = target
    self.port = port
    self.address = address
    self.host = host
  }
}

/// Sends requests that were kept to the version that runs now.
public protocol AnswerReplaying: Sendable {
  /// - Parameter ports: those that are forwarded.
  /// - Returns: nil if the task was cancelled.
  func replay(_ ports: [ForwardedPort]) async -> DevEvent.Replayed?
}

/// The requests of a HAR, sent after each save.
public struct LoopReplay: AnswerReplaying {
  private let exchanges: [Exchange]
  private let options: ReplayOptions
  /// The address for all of them; nil: the port-forward of each one's Service.
  private let place: (host: String, port: UInt16)?

  public init(_ exchanges: [Exchange], _ options: ReplayOptions, to place: (host: String, port: UInt16)? = nil) {
    self.exchanges = exchanges
    self.options = options
    self.place = place
  }

  public func replay(_ ports: [ForwardedPort]) async -> DevEvent.Replayed? {
    let start = ContinuousClock.now
    var summary = ReplaySummary()
    var lines: [String] = []
    for group in Self.groups(exchanges, ports, place) {
      guard let host = group.host else {
        lines.append("\(group.exchanges.count) not sent: \(group.obstacle ?? "")")
        summary.skipped += group.exchanges.count
        continue
      }
      let sender = CurlSender(host: host.address, port: host.port, timeout: .seconds(10))
      let replayer = Replayer(ReplayPlan(group.exchanges, options), options) { request throws(ReplayFailure) in
        try await sender.send(request)
      }
      let part = await replayer.run { result in
        if result.outcome == .differs || result.outcome == .failed { lines += result.lines }
      }
      summary.add(part)
    }
    if Task.isCancelled { return nil }
    return DevEvent.Replayed(
      same: summary.same, differs: summary.differs, failed: summary.failed, skipped: summary.skipped,
      summary: summary.text, details: Array(lines.prefix(Self.mostLines)),
      milliseconds: (ContinuousClock.now - start).milliseconds)
  }

  /// The lines of details in an event.
  private static let mostLines = 40

  struct Group: Hashable {
    struct Host: Hashable {
      var address: String
      var port: UInt16
    }

    var exchanges: [Exchange]
    var host: Host?
    /// The reason for which there is no host.
    var obstacle: String?
  }

  /// Returns the requests by the place that they are for, in the order of the Services' first requests.
  static func groups(_ exchanges: [Exchange], _ ports: [ForwardedPort], _ place: (host: String, port: UInt16)?)
    -> [Group]
  {
    if let place { return [Group(exchanges: exchanges, host: .init(address: place.host, port: place.port))] }
    var groups: [Group] = []
    var indices: [Group.Host?: Int] = [:]
    for exchange in exchanges {
      let own = ports.filter { $0.target == "svc/\(exchange.service)" }
      let found =
        exchange.service.isEmpty
        ? (ports.count == 1 ? ports.first : nil) : own.first { $0.port == "\(exchange.port)" } ?? own.first
      let host = found.map { Group.Host(address: $0.address, port: $0.host) }
      if let index = indices[host] {
        groups[index].exchanges.append(exchange)
        continue
      }
      indices[host] = groups.count
      var group = Group(exchanges: [exchange], host: host)
      if host == nil {
        let target = exchange.service.isEmpty ? "them alone" : "Service \(exchange.service)"
        group.obstacle = "no port is forwarded to \(target): --replay-to HOST:PORT says where they go"
      }
      groups.append(group)
    }
    return groups
  }
}
