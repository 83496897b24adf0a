import Agents
import ControlAPI
import Explain
import Intercept
import KubeAPI
import KubeObjects
import Relay
import TunnelProtocol
import Workloads

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An intercept's port, whose counters `devtunnel explain` changes by its own connections.
struct WayProbe: Hashable {
  var id: InterceptID
  var since: String
  var port: Int
}

// The facts of `devtunnel explain`, each read or probed now. `Explain` decides by them.

extension ClusterOperations {
  /// The longest wait for one fact.
  private static let patience = Duration.seconds(3)

  public func way(_ request: WayRequest, progress: @escaping Progress) async throws -> WayReport {
    let there: ReachedCluster
    let start = ContinuousClock.now
    do throws(ControlError) {
      there = try await reach(request.cluster)
    } catch {
      guard error.code != .cancelled, error.question == nil else { throw error }
      return Self.unreached(request, error)
    }
    let took = start.duration(to: .now).milliseconds
    var report = WayReport(
      context: there.context, namespace: there.namespace, service: request.service,
      hops: [WayHop("cluster", .ok, "the API server of context \(there.context) answered in \(took) ms")])
    do throws(ControlError) {
      let facts = try await facts(request, there, progress)
      report.port = facts.port?.label
      report.hops += facts.hops
      report.taker = facts.taker
      report.host = facts.host
    } catch {
      guard error.code != .cancelled else { throw error }
      report.hops.append(WayHop("Service", .failed, error.message, evidence: error.details, remedy: error.remedy))
    }
    return report
  }

  private static func unreached(_ request: WayRequest, _ error: ControlError) -> WayReport {
    WayReport(
      context: request.cluster.context ?? "", namespace: request.cluster.namespace ?? "", service: request.service,
      hops: [WayHop("cluster", .failed, error.message, evidence: error.details, remedy: error.remedy)])
  }

  private func facts(_ request: WayRequest, _ there: ReachedCluster, _ progress: @escaping Progress)
    async throws(ControlError) -> WayFacts
  {
    progress("reading Service \(request.service)")
    let client = there.client.within(Self.patience)
    var facts = WayFacts(
      namespace: there.namespace, name: request.service, wantedPort: request.port, head: request.head)
    facts.isFormerDaemons = former.contains {
      $0.namespace == there.namespace && $0.service == request.service && identity(of: $0) == there.identity
    }
    facts.service = try await attempt("reading Service \(there.namespace)/\(request.service)") {
      () async throws(KubeError) in
      try await client.find(.services, request.service)
    }
    guard facts.service != nil else { return await elsewhere(facts, client) }
    let read = await WayObjects(client, service: request.service)
    read.fill(&facts)
    let id = InterceptID(cluster: there.identity, namespace: there.namespace, service: request.service)
    let interception = interceptions.first { $0.id == id }
    facts.own = await interception?.report()
    facts.holders = holders(of: facts, read)
    if let head = request.head, let service = facts.service, let port = facts.targetPort {
      facts.takers = read.holders.takers(of: head, service: service, podPort: port).map { taker in
        WayTaker(
          name: taker.holder?.told(to: holder) ?? "", isOwn: taker.holder == holder, rule: taker.rule)
      }
    } else if !facts.holders.isEmpty {
      facts.takers = []
    }
    progress("asking the agent")
    let link = await interception?.link
    if let link { facts.session = await session(link, port: facts.targetPort ?? 0) }
    await connect(&facts, link: link, request, there, progress)
    return facts
  }

  /// Looks for the Service's name in other namespaces, as far as the user may.
  private func elsewhere(_ facts: WayFacts, _ client: KubeClient) async -> WayFacts {
    var facts = facts
    facts.others = ((try? await client.list(.services, namespace: facts.namespace).items) ?? []).filter {
      $0.labels[AgentNames.managedByLabel] != AgentNames.managedBy
    }.compactMap(\.name)
    let same = try? await client.list(.services, namespace: nil, fields: "metadata.name=\(facts.name)").items
    facts.elsewhere = (same ?? []).compactMap(\.namespace).sorted()
    return facts
  }

  private func holders(of facts: WayFacts, _ read: WayObjects) -> [WayHolder] {
    guard let service = facts.service else { return [] }
    return read.holders.of(service).map { one in
      WayHolder(
        name: one.holder.told(to: holder), isOwn: one.holder == holder, rules: one.rules?.summary,
        leaseAge: one.renewed.map { max(0, Date().timeIntervalSince($0)) })
    }
  }

  // MARK: Through the tunnel

  /// Measures a question and its answer, now.
  private func session(_ link: AgentLink, port: UInt16) async -> WaySession {
    let start = ContinuousClock.now
    let answer = try? await link.ask(ControlMessage(.counters, port: port), within: Self.patience)
    let took = start.duration(to: .now)
    let report = await link.report()
    return WaySession(
      state: report.state, pod: report.pod, carrier: report.carrier, answered: answer == nil ? nil : took.fraction,
      problem: report.lastProblem)
  }

  /// Connects from inside the cluster to the Service's address, and to one of its Pods.
  private func connect(
    _ facts: inout WayFacts, link own: AgentLink?, _ request: WayRequest, _ there: ReachedCluster,
    _ progress: @escaping Progress
  ) async {
    progress("connecting from inside the cluster")
    let found = await insideLink(own, request, there, progress)
    guard case .success(let link) = found else {
      if case .failure(let problem) = found { facts.inside = .skipped(problem.message) }
      return
    }
    guard case .connected(let pod) = await link.state, let port = facts.port,
      let number = UInt16(exactly: port.number)
    else {
      facts.inside = .skipped(
        "no tunnel into namespace \(there.namespace) is open now, so no connection was made there")
      return
    }
    let address = facts.service?[path: "spec", "clusterIP"]?.stringValue ?? ""
    if let bytes = Address.bytes(of: address) {
      let start = ContinuousClock.now
      let answer = await Self.answer(of: link, Preamble(.tcp, port: number, address: bytes))
      facts.inside = .tried(
        pod: pod, address: "\(address):\(number)", answer, milliseconds: start.duration(to: .now).fraction)
      leaveOut(&facts, port: port.number)
    } else {
      facts.inside = .skipped("a headless Service has no address of its own: clients connect to its Pods")
    }
    if let origin = facts.originPods.first, let target = facts.targetPort,
      let bytes = origin[path: "status", "podIP"]?.stringValue.flatMap(Address.bytes)
    {
      facts.podAnswer = await Self.answer(of: link, Preamble(.tcp, port: target, address: bytes))
    }
  }

  /// Finds a tunnel into the namespace: the intercept's, or a gateway's.
  private func insideLink(
    _ own: AgentLink?, _ request: WayRequest, _ there: ReachedCluster, _ progress: @escaping Progress
  ) async -> Result<AgentLink, ControlError> {
    if let own { return .success(own) }
    let gateway = gateways.first { $0.key.cluster == there.identity && $0.key.namespace == there.namespace }
    if let gateway { return .success(gateway.value.link) }
    guard request.makesGateway else {
      return .failure(
        ControlError(
          .notFound,
          "no agent of yours stands in namespace \(there.namespace), so no connection was made from inside; "
            + "--from makes a gateway for that"))
    }
    do throws(ControlError) {
      let link = try await gatewayLink(there, request.cluster, image: nil, progress)
      try await link.connected(within: .seconds(60))
      return .success(link)
    } catch {
      return .failure(error)
    }
  }

  /// Keeps our own connections out of the figures that tell lost marks.
  private func leaveOut(_ facts: inout WayFacts, port: Int) {
    guard let own = facts.own, let index = own.ports.firstIndex(where: { $0.service == port }) else { return }
    let key = WayProbe(id: own.id, since: own.since, port: port)
    let before = wayProbes[key] ?? 0
    facts.own?.ports[index].toOrigin -= min(before, own.ports[index].toOrigin)
    wayProbes[key] = before + 1
  }

  /// Connects through a tunnel; the connection ends at once.
  private static func answer(of link: AgentLink, _ preamble: Preamble) async -> WayAnswer {
    let (answers, feed) = AsyncStream.makeStream(of: WayAnswer.self)
    Task { feed.yield(WayAnswer(await link.probe(preamble))) }
    let timer = Task {
      try? await Task.sleep(for: patience)
      feed.yield(.timedOut)
    }
    defer { timer.cancel() }
    for await answer in answers { return answer }
    return .timedOut
  }
}

extension WayAnswer {
  init(_ status: StreamStatus) {
    self =
      switch status {
      case .connected: .connected
      case .refused: .refused
      case .timedOut: .timedOut
      case .unreachable: .unreachable
      case .nameNotFound: .failed("the name was not found")
      case .notServed: .failed("the agent does not make such connections")
      case .exhausted: .failed("the agent has as many connections as it may")
      case .failed: .failed("the agent gave no reason")
      }
  }
}

extension Duration {
  /// In milliseconds.
  var fraction: Double {
    Double(components.seconds) * 1000 + Double(components.attoseconds) / 1_000_000_000_000_000
  }
}
