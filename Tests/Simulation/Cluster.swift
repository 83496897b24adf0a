import InterceptMachine

/// A model of the cluster: the API server's objects, the controllers that follow them, kube-proxy on each node, and the
/// agent's Pods.
final class Cluster {
  struct Service {
    var ports: Set<UInt16>
    var exists = true
    var isDiverted = false
    /// The program, other than devtunnel, that wrote the selector last.
    var changedBy: String?
  }

  struct Deployment {
    var uid: Int
    var claims: Claims
    /// Grows with each change, whoever makes it.
    var version = 1
  }

  struct Lease {
    /// By its holder's clock.
    var renewed: Int
    var version = 1
  }

  /// The endpoints of one Service.
  struct Endpoints: Equatable {
    var agents: [Int] = []
    var origin = true
    /// Agents that end: kube-proxy sends connections there if there is no other endpoint (KEP-1669).
    var ending: [Int] = []
  }

  static let nodeCount = 3

  unowned(unsafe) let world: World
  /// The Services' names, sorted. Their places count in `nodes`.
  let names: [String]
  private(set) var services: [String: Service]
  /// The Services that exist, for the clients.
  private var targets: [(place: Int, ports: [UInt16])] = []
  private(set) var deployment: Deployment?
  var leases: [String: Lease] = [:]
  var pods: [Int: AgentPod] = [:]
  private var nextUID = 1
  private var nextPod = 1
  private(set) var originIsReady = true
  /// The API server answers.
  var isUp = true
  /// Until then it answers many requests with 429.
  var throttledUntil = 0
  /// As the EndpointSlices say.
  private(set) var slices: [String: Endpoints] = [:]
  /// As each node's kube-proxy has them.
  private var nodes: [[Endpoints]]
  private var proxyLag = Array(repeating: 50...1000, count: nodeCount)
  private var proxyDue = Array(repeating: 0, count: nodeCount)
  private(set) var isLagging = false
  /// The times since which nodes have no kubelet.
  private(set) var kubeletStopped: [Int?] = Array(repeating: nil, count: nodeCount)
  /// The time until which lost connections are not devtunnel's fault.
  private(set) var excusedUntil = 0
  /// The time since which a Service has selected agents of which none is listed.
  private(set) var blindSince: [String: Int] = [:]

  init(_ world: World, services: [String: Service]) {
    self.world = world
    self.services = services
    names = services.keys.sorted()
    nodes = Array(repeating: Array(repeating: Endpoints(), count: services.count), count: Self.nodeCount)
    noteTargets()
  }

  func excuse(_ time: Int) { excusedUntil = max(excusedUntil, world.now + time) }

  // MARK: Objects

  func change(_ name: String, _ edit: (inout Service) -> Void) {
    guard var service = services[name] else { return }
    edit(&service)
    services[name] = service
    noteTargets()
    for laptop in world.laptops { laptop.serviceChanged(name) }
    endpointsChanged()
  }

  private func noteTargets() {
    targets = []
    for (place, name) in names.enumerated() {
      guard let service = services[name], service.exists else { continue }
      targets.append((place, service.ports.sorted()))
    }
  }

  func divert(_ name: String) {
    change(name) {
      $0.isDiverted = true
      $0.changedBy = nil
    }
  }

  func restore(_ name: String, by manager: String? = nil) {
    guard services[name]?.isDiverted == true else { return }
    change(name) {
      $0.isDiverted = false
      $0.changedBy = manager
    }
  }

  func create(_ claims: Claims) -> Int {
    let uid = nextUID
    nextUID += 1
    deployment = Deployment(uid: uid, claims: claims)
    startPod(of: uid)
    return uid
  }

  /// Changes the claims if the Deployment is still as it was read.
  func update(_ claims: Claims, from old: Deployment) -> Bool {
    guard let present = deployment, present.uid == old.uid else { return false }
    guard present.version == old.version || world.planted == .takeOverRace else { return false }
    deployment?.claims = claims
    deployment?.version += 1
    return true
  }

  /// Writes something that is not devtunnel's to the Deployment.
  func touchDeployment() { deployment?.version += 1 }

  func removeDeployment() {
    guard let uid = deployment?.uid else { return }
    deployment = nil
    for pod in pods.values.sorted(by: { $0.number < $1.number }) where pod.uid == uid { pod.terminate() }
    for laptop in world.laptops { laptop.agentDeleted(uid) }
  }

  // MARK: Pods

  /// Returns the running Pod of a Deployment.
  func pod(of uid: Int) -> AgentPod? { runningPods.first { $0.uid == uid } }

  var runningPods: [AgentPod] { pods.values.filter { $0.phase == .running }.sorted { $0.number < $1.number } }

  private func startPod(of uid: Int) {
    // The scheduler knows 40 s later that a kubelet is gone.
    let good = (0..<Self.nodeCount).filter { node in kubeletStopped[node].map { world.now - $0 < 40_000 } ?? true }
    let pod = AgentPod(self, number: nextPod, uid: uid, node: world.dice.pick(good))
    nextPod += 1
    pods[pod.number] = pod
    run(pod, after: world.dice.time(200...1500))
  }

  private func run(_ pod: AgentPod, after delay: Int) {
    world.after(delay) { [unowned self] in
      guard pod.phase == .pending, deployment?.uid == pod.uid else { return pod.vanish() }
      guard kubeletStopped[pod.node] == nil else { return run(pod, after: 1000) }
      world.note("agent pod \(pod.number) runs")
      pod.run()
      for laptop in world.laptops { laptop.dial() }
    }
  }

  /// Ends a Pod; its Deployment makes another.
  func replace(_ pod: AgentPod, atOnce: Bool) {
    if atOnce { pod.die() } else { pod.terminate() }
    world.after(world.dice.time(50...1000)) { [self] in
      guard let uid = deployment?.uid, uid == pod.uid,
        !pods.values.contains(where: { $0.uid == uid && ($0.phase == .running || $0.phase == .pending) })
      else { return }
      startPod(of: uid)
    }
  }

  // MARK: Nodes

  /// Makes a node's kube-proxy lag.
  func lag(_ node: Int, for time: Int) {
    proxyLag[node] = 50...14_000
    noteLag()
    world.after(time) { [self] in
      proxyLag[node] = 50...1000
      noteLag()
      world.busyUntil = world.now + 40_000
    }
  }

  private func noteLag() { isLagging = proxyLag.contains { $0.upperBound > 1000 } }

  /// Ends a node's kubelet for a time: its Pods run on, and nobody looks at them.
  func stopKubelet(_ node: Int, for time: Int) {
    guard kubeletStopped[node] == nil else { return }
    kubeletStopped[node] = world.now
    // Port-forwards go through it.
    for pod in runningPods where pod.node == node { pod.closeSessions() }
    world.after(40_000) { [self] in
      guard let since = kubeletStopped[node], world.now - since >= 40_000 else { return }
      // Its Pods count as not ready at once. With one agent nothing is left until the Services are given back.
      for pod in runningPods where pod.node == node { pod.isReady = false }
      excuse(15_000)
      endpointsChanged()
    }
    world.after(time) { [self] in
      kubeletStopped[node] = nil
      for pod in pods.values.sorted(by: { $0.number < $1.number }) where pod.node == node { pod.kubeletReturns() }
      for laptop in world.laptops { laptop.dial() }
    }
  }

  /// The origin's Pods are gone for a time, as in a rollout of strategy Recreate.
  func stopOrigin(for time: Int) {
    originIsReady = false
    endpointsChanged()
    excuse(time + 20_000)
    world.after(time) { [self] in
      originIsReady = true
      endpointsChanged()
    }
  }

  // MARK: Controllers

  private var isPlanned = false

  /// Makes the EndpointSlice controller look soon.
  func endpointsChanged() {
    guard !isPlanned else { return }
    isPlanned = true
    world.after(world.dice.time(40...160)) { [self] in
      isPlanned = false
      writeSlices()
    }
  }

  private func writeSlices() {
    let agents = pods.values.filter { $0.isReady && $0.phase == .running }.map(\.number).sorted()
    let ending = pods.values.filter { $0.phase == .terminating }.map(\.number).sorted()
    for (place, name) in names.enumerated() {
      guard let service = services[name] else { continue }
      var endpoints = Endpoints(agents: agents, origin: originIsReady && !service.isDiverted, ending: ending)
      if !service.exists { endpoints = Endpoints(agents: [], origin: false) }
      if slices[name] != endpoints {
        slices[name] = endpoints
        for laptop in world.laptops { laptop.endpointsChanged(name) }
        follow(name, at: place)
      }
      let isBlind = service.isDiverted && endpoints.agents.isEmpty
      blindSince[name] = isBlind ? blindSince[name] ?? world.now : nil
    }
  }

  private func follow(_ name: String, at place: Int) {
    for node in nodes.indices {
      let due = max(proxyDue[node], world.now + world.dice.time(proxyLag[node]))
      proxyDue[node] = due
      // It syncs late, but then to what it knows by then.
      world.at(due) { [self] in nodes[node][place] = slices[name] ?? Endpoints() }
    }
  }

  // MARK: Clients

  /// Connects from a random node, and judges the result.
  func connect() {
    guard !targets.isEmpty else { return }
    let target = targets[world.dice.below(targets.count)]
    let port = target.ports[world.dice.below(target.ports.count)]
    let node = world.dice.below(Self.nodeCount)
    world.connections += 1
    let choice: Int
    do {
      let endpoints = nodes[node][target.place]
      let count = endpoints.agents.count + (endpoints.origin ? 1 : 0)
      if count > 0 {
        let index = world.dice.below(count)
        guard index < endpoints.agents.count else {
          if !originIsReady { lost("the origin is gone") }
          return
        }
        choice = endpoints.agents[index]
      } else if !endpoints.ending.isEmpty {
        choice = endpoints.ending[world.dice.below(endpoints.ending.count)]
      } else {
        return lost("no endpoint of \(names[target.place]) on node \(node)")
      }
    }
    guard let pod = pods[choice], pod.accepts else {
      return lost("agent pod \(choice), which node \(node) uses, is gone")
    }
    pod.took = world.now
    let rule = world.dice.hits(50) ? nil : world.dice.pick(World.rules)
    world.copies += pod.copies(of: port, rule: rule).count
    if pod.host(of: port, rule: rule) == nil, !originIsReady { lost("the origin behind the agent is gone") }
  }

  private func lost(_ why: @autoclosure () -> String) {
    guard originIsReady, world.now > excusedUntil else { return }
    world.fail("a connection is lost: \(why())")
  }
}
