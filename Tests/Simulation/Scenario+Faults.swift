import InterceptMachine

/// Something that goes wrong, or that someone else does.
private enum Fault: CaseIterable {
  case laptopSleeps, laptopIsCutOff, laptopDies
  case serverIsAway, serverThrottles
  case agentIsKilled, agentIsEvicted, agentIsDeleted, agentIsWritten
  case leasesAreDeleted
  case serviceIsChangedBack, serviceIsMadeAgain
  case originIsAway
  case proxyLags, kubeletStops
  case twoTakeOver, oneLeaves
  case nothing
}

extension Scenario {
  private var cluster: Cluster { world.cluster }

  /// Makes faults until their time is over.
  func fault() {
    guard world.now < faultsEnd else { return }
    let fault = world.dice.pick(Fault.allCases)
    let laptop = world.dice.pick(world.laptops)
    world.note("fault: \(fault)")
    switch fault {
    case .laptopSleeps: laptop.freeze(for: world.dice.time(500...60_000))
    case .laptopIsCutOff: laptop.cut(for: world.dice.time(500...40_000))
    case .laptopDies:
      laptop.kill()
      let back = world.dice.time(300...40_000)
      if world.dice.hits(70) { world.after(back) { if !laptop.isAlive { laptop.start() } } }
    case .serverIsAway, .serverThrottles: stopServer(fault)
    case .agentIsKilled, .agentIsEvicted, .agentIsDeleted, .agentIsWritten: harmAgent(fault)
    case .leasesAreDeleted: cluster.leases = [:]
    case .serviceIsChangedBack:
      let name = world.dice.pick(cluster.names)
      if world.dice.hits(50) { cluster.restore(name, by: "argocd") }
    case .serviceIsMadeAgain: makeAgain(world.dice.pick(cluster.names))
    case .originIsAway: cluster.stopOrigin(for: world.dice.time(200...10_000))
    case .proxyLags: cluster.lag(world.dice.below(Cluster.nodeCount), for: world.dice.time(1000...20_000))
    case .kubeletStops:
      let node = cluster.runningPods.first?.node ?? 0
      cluster.stopKubelet(node, for: world.dice.time(1000...60_000))
    case .twoTakeOver:
      let name = world.dice.pick(cluster.names)
      guard let service = cluster.services[name], service.exists else { break }
      for laptop in world.laptops.prefix(2) {
        laptop.intercept(Wish(service: name, ports: service.ports, takesOver: true))
      }
    case .oneLeaves: for name in cluster.names { laptop.leave(name) }
    case .nothing: break
    }
    world.after(world.dice.time(300...12_000)) { self.fault() }
  }

  private func stopServer(_ fault: Fault) {
    guard fault == .serverIsAway else {
      cluster.throttledUntil = max(cluster.throttledUntil, world.now + world.dice.time(1000...20_000))
      return
    }
    let cluster = cluster
    cluster.isUp = false
    for laptop in world.laptops { if let session = laptop.session { session.pod.close(session) } }
    world.after(world.dice.time(500...60_000)) {
      cluster.isUp = true
      cluster.excuse(30_000)
    }
  }

  private func harmAgent(_ fault: Fault) {
    guard let pod = cluster.runningPods.first else { return }
    switch fault {
    case .agentIsKilled:
      cluster.excuse(25_000)
      cluster.replace(pod, atOnce: true)
    case .agentIsEvicted:
      // Of two that end, kube-proxy may choose the one that is gone first.
      if cluster.pods.values.contains(where: { $0.phase == .terminating }) { cluster.excuse(12_000) }
      cluster.replace(pod, atOnce: false)
    case .agentIsDeleted:
      guard world.dice.hits(30) else { return }
      cluster.excuse(30_000)
      cluster.removeDeployment()
    default:
      var time = 0
      for _ in 0..<world.dice.time(1...20) {
        time += world.dice.time(20...800)
        world.after(time) { [cluster] in cluster.touchDeployment() }
      }
    }
  }

  /// Deletes a Service, and makes it again as it was at first.
  private func makeAgain(_ name: String) {
    let cluster = cluster
    cluster.change(name) {
      $0.exists = false
      $0.isDiverted = false
      $0.changedBy = nil
    }
    world.after(world.dice.time(200...15_000)) {
      cluster.change(name) { $0.exists = true }
      cluster.excuse(20_000)
    }
  }

  func endFaults() {
    world.note("faults end")
    world.faultsAreOver = true
    cluster.throttledUntil = 0
    cluster.excuse(45_000)
  }
}
