import Agents
import CLinux
import ControlAPI
import Outbound
import Relay

/// One `devtunnel connect --proxy`: a port on the host that speaks SOCKS5 and HTTP CONNECT, and
/// connects into the cluster.
public actor ProxyConnection {
  public nonisolated let id: String
  private let request: ConnectRequest
  private let context: String
  private let namespace: String
  public nonisolated let link: AgentLink
  private var outbound: OnLoop<Outbound>?
  private var bound: clinux_address?
  private var access = ProxyAccess.thisMachine

  public init(id: String, _ request: ConnectRequest, context: String, namespace: String, link: AgentLink) {
    self.id = id
    self.request = request
    self.context = context
    self.namespace = namespace
    self.link = link
  }

  /// Listens.
  public func start() async throws(ControlError) {
    let plan = try OutboundPlan(request.outbound)
    guard var address = clinux_address(request.address, port: request.port) else {
      throw ControlError(
        .badInput, "'\(request.address)' is no IP address",
        remedy: "--address takes one of this host's own, such as 127.0.0.1.")
    }
    let fd = clinux_tcp_listen(&address, 1024)
    guard fd >= 0 else {
      let reason =
        -fd == clinux_EADDRINUSE
        ? "is taken" : -fd == clinux_EACCES ? "may not be opened by this user" : "cannot be opened (errno \(-fd))"
      throw ControlError(
        .conflict, "port \(request.address):\(request.port) \(reason)", remedy: "Choose another, or 0 for any free one."
      )
    }
    clinux_local_address(fd, &address)
    bound = address
    let access = ProxyAccess(listeningAt: address)
    self.access = access
    do throws(ControlError) {
      try await link.connected(within: .seconds(60))
      let pod = try await PodFiles(link: link).resolver()
      let (rules, dns) = (plan.rules, plan.dns(pod: pod, host: HostResolver()))
      let place = TapPlace(way: .shell, context: context, namespace: namespace)
      outbound = await link.onLoop { endpoint in
        let outbound = Outbound(
          loop: endpoint.loop, sessions: { endpoint.withSession($0) }, routes: RouteTable(rules), dns: dns,
          budget: endpoint.connections, place: place)
        outbound.listenProxy(fd: fd, access: access)
        return OnLoop(outbound, on: endpoint.loop)
      }
    } catch {
      clinux_close(fd)
      throw error
    }
  }

  /// Closes the port and resets its connections.
  public func stop() async {
    let outbound = outbound
    self.outbound = nil
    await link.onLoop { endpoint in outbound?.get(on: endpoint.loop).close() }
  }

  public func report() async -> OutboundReport {
    var report = OutboundReport(id: id, kind: "proxy", context: context, namespace: namespace)
    if let bound, let address = IPEndpoint(bound)?.description {
      report.address = address
      let user = access.credentials.map { "\($0.user):\($0.password)@" } ?? ""
      let (socks, http) = ("socks5h://\(user)\(address)", "http://\(user)\(address)")
      // curl and Python read the small ones, Go and Java tools the capitals; all of them take either.
      report.variables = [
        "ALL_PROXY": socks, "all_proxy": socks, "HTTP_PROXY": http, "http_proxy": http, "HTTPS_PROXY": http,
        "https_proxy": http,
      ]
    }
    if access.credentials != nil { report.warnings = [OpenPort.proxy(report.address ?? request.address)] }
    if let outbound {
      let figures = await link.onLoop { endpoint in outbound.get(on: endpoint.loop).figures }
      report.add(figures)
    }
    return report
  }
}
