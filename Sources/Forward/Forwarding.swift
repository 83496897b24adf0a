import Agents
import CLinux
import ControlAPI
import HTTPMessages
import KubeAPI
import Logging
import Relay
import TunnelProtocol

/// One `devtunnel forward`: its listeners and its target.
public actor Forwarding {
  public nonisolated let id: String
  public nonisolated let request: ForwardRequest
  public nonisolated let namespace: String
  let target: ForwardTarget
  let client: KubeClient
  public nonisolated let link: AgentLink
  let log: Logger
  var ports: [(request: ForwardRequest.Port, bound: UInt16, listener: OnLoop<ForwardListener>)] = []
  private var refresher: Task<Void, Never>?
  private var follower: Task<Void, Never>?
  var problem: String?
  /// The name that the Service sees, if requests are rewritten.
  private var opened: String?

  public init(id: String, request: ForwardRequest, namespace: String, client: KubeClient, link: AgentLink, log: Logger)
    throws(ControlError)
  {
    self.id = id
    self.request = request
    self.namespace = namespace
    self.client = client
    self.link = link
    self.log = log
    target = try ForwardTarget(parsing: request.target)
  }

  /// Binds the host's ports; returns once the tunnel is open.
  public func start() async throws(ControlError) {
    guard let address = clinux_address(request.address, port: 0) else {
      throw ControlError(
        .badInput, "'\(request.address)' is no IP address",
        remedy: "--address takes one of this host's own, such as 127.0.0.1.")
    }
    let (refusals, tell) = AsyncStream.makeStream(of: StreamStatus.self, bufferingPolicy: .bufferingNewest(1))
    do throws(ControlError) {
      for var port in request.ports {
        let rewrite = try await rewrite(&port)
        let preamble = try await target.resolve(port.remote, client: client, namespace: namespace)
        try await bind(port, address, preamble, rewrite) { tell.yield($0) }
      }
      try await link.connected(within: .seconds(60))
    } catch {
      await stop()
      throw error
    }
    switch target.kind {
    case .service where request.newestPod: follower = Task { await followNewestPod() }
    case .workload(let resource):
      follower = Task { await followNewestPod(of: resource) }
      // A user who may list Pods, and not watch them, finds the next one when the last refuses.
      fallthrough
    default: refresher = Task { await refresh(refusals) }
    }
  }

  /// Returns the changes to a port's requests; gives the port its number.
  private func rewrite(_ port: inout ForwardRequest.Port) async throws(ControlError) -> HeadRewrite? {
    guard let rewrite = request.rewrite else { return nil }
    let number = try await target.servicePort(port.remote, client: client, namespace: namespace)
    port.remote = String(number)
    let suffix = number == 80 ? "" : ":\(number)"
    let full = "\(target.name).\(namespace)"
    var head = rewrite.head(of: full + suffix)
    head.aliases = [target.name, full, full + ".svc", full + ".svc.cluster.local"].map { Array(($0 + suffix).utf8) }
    opened = String(decoding: head.host, as: UTF8.self)
    return head
  }

  private func bind(
    _ port: ForwardRequest.Port, _ address: clinux_address, _ preamble: Preamble, _ rewrite: HeadRewrite?,
    _ onRefusal: @escaping @Sendable (StreamStatus) -> Void
  ) async throws(ControlError) {
    var address = address
    address.port = port.host
    let fd = clinux_tcp_listen(&address, 1024)
    guard fd >= 0 else {
      let reason =
        -fd == clinux_EADDRINUSE
        ? "is taken" : -fd == clinux_EACCES ? "may not be opened by this user" : "cannot be opened (errno \(-fd))"
      throw ControlError(
        .conflict, "port \(request.address):\(port.host) \(reason)",
        remedy: "Choose another: HOST:\(port.remote), or 0:\(port.remote) for any free one.")
    }
    clinux_local_address(fd, &address)
    let place = TapPlace(
      way: .forward, context: client.access.contextName, namespace: namespace, service: target.shortText,
      port: Int(preamble.port))
    let listener = await link.onLoop { endpoint in
      let listener = ForwardListener(
        loop: endpoint.loop, fd: fd, endpoint: endpoint, target: preamble, place: place, rewrite: rewrite,
        onRefusal: onRefusal)
      listener.start()
      return OnLoop(listener, on: endpoint.loop)
    }
    ports.append((port, address.port, listener))
  }

  /// Looks the target up again when it refuses: a Pod may have been replaced.
  private func refresh(_ refusals: AsyncStream<StreamStatus>) async {
    for await _ in refusals {
      for port in ports {
        do throws(ControlError) {
          let preamble = try await target.resolve(port.request.remote, client: client, namespace: namespace)
          problem = nil
          await link.onLoop { endpoint in port.listener.get(on: endpoint.loop).target = preamble }
        } catch {
          problem = error.message
          log.warning("forward", metadata: ["target": "\(request.target)", "problem": "\(error.message)"])
        }
      }
      try? await Task.sleep(for: .milliseconds(500))
    }
  }

  /// Closes the ports; connections in them continue until they end.
  public func stop() async {
    refresher?.cancel()
    follower?.cancel()
    let listeners = ports.map(\.listener)
    ports = []
    await link.onLoop { endpoint in for listener in listeners { listener.get(on: endpoint.loop).close() } }
  }

  public func report(context: String) async -> ForwardReport {
    var result: [ForwardReport.Port] = []
    for port in ports {
      let (connections, refused, lastProblem) = await link.onLoop { endpoint in
        let listener = port.listener.get(on: endpoint.loop)
        return (listener.connections, listener.refused, listener.lastProblem)
      }
      result.append(
        ForwardReport.Port(
          host: "\(request.address):\(port.bound)", remote: port.request.remote, connections: connections,
          refused: refused, lastProblem: lastProblem))
    }
    return ForwardReport(
      id: id, context: context, namespace: namespace, target: request.target, ports: result, message: problem,
      warnings: Self.warnings(listeningAt: request.address), opened: opened)
  }

  /// Returns the warnings about a forward at this address.
  static func warnings(listeningAt text: String) -> [String] {
    guard var address = clinux_address(text, port: 0), clinux_is_loopback(&address) == 0 else { return [] }
    return [OpenPort.forward(text)]
  }
}
