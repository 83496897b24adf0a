import InterceptMachine

// The invariants.

extension Scenario {
  /// Looks every second.
  func judge() {
    let cluster = world.cluster
    for name in cluster.names where cluster.services[name]?.isDiverted == true {
      let hasUser = world.laptops.contains { laptop in
        guard laptop.unreachableSince == nil, laptop.journal[name] != nil else { return false }
        // One that only wants it waits until a dead holder's Lease is old.
        guard let claims = cluster.deployment?.claims.all else { return true }
        return claims.contains { $0.claim.holder == laptop.holder && $0.claim.services.contains(name) }
      }
      // Nobody can give a Service back while the API server is away, or its holder.
      if !cluster.isUp || !hasUser && !cluster.runningPods.contains(where: { $0.isReady }) { cluster.excuse(30_000) }
      guard world.now > cluster.excusedUntil, let since = cluster.blindSince[name], world.now - since > 20_000 else {
        continue
      }
      world.fail("Service \(name) selects agents, of which there is none, since \(World.text(since))")
    }
    for port in [8080, 9090] as [UInt16] {
      for rule in [nil] + World.rules { checkOwners(of: port, rule) }
    }
    guard world.now < end - 1_000 else { return }
    world.after(1000) { judge() }
  }

  private func checkOwners(of port: UInt16, _ rule: String?) {
    let owners = world.laptops.count { $0.unreachableSince == nil && $0.says(port, rule) }
    let part = "port \(port)" + (rule.map { " with \($0)" } ?? "")
    let since = owners > 1 ? world.ownersSince[part] ?? world.now : nil
    world.ownersSince[part] = since
    if let since, world.now - since > 15_000 { world.fail("\(owners) laptops say that \(part) is theirs") }
  }

  /// Checks, after a quiet time, that everything has come to rest, and that `status` is true.
  func checkRest() {
    for laptop in world.laptops {
      guard let machine = laptop.machine else { continue }
      if laptop.steps > 0 { world.fail("\(laptop.holder) is not at rest: \(laptop.steps) steps in the last 20 s") }
      for name in laptop.wanted.sorted() { checkStatus(of: name, on: laptop, machine) }
      for name in machine.services.keys.sorted() where !laptop.wanted.contains(name) {
        world.fail("\(laptop.holder) has not finished with \(name): \(machine.phase(of: name))")
      }
    }
  }

  private func checkStatus(of name: String, on laptop: Laptop, _ machine: InterceptMachine) {
    let cluster = world.cluster
    guard let service = cluster.services[name], machine.services[name] != nil else {
      return world.fail("\(laptop.holder) has forgotten \(name)")
    }
    let phase = machine.phase(of: name)
    switch phase {
    case .active:
      guard service.isDiverted else {
        return world.fail("\(laptop.holder) says that \(name) is active, but its selector is its own")
      }
      let pod = cluster.deployment.flatMap { cluster.pod(of: $0.uid) }
      for port in machine.ports(of: name).sorted() {
        let rules: [String?] = machine.claim(to: port, through: name)?.rules?.sorted() ?? [nil]
        for rule in rules {
          if let rule, World.copies.contains(rule) {
            // Of requests that meet its own rule, if it has one.
            let copies = pod?.copies(of: port, rule: World.rules.first(where: rule.hasSuffix)) ?? []
            guard !copies.contains(where: { $0 === laptop }) else { continue }
            world.fail("\(laptop.holder) says that \(name) is active, but gets no copies of port \(port)")
          }
          guard pod?.host(of: port, rule: rule) !== laptop else { continue }
          let owner = pod?.host(of: port, rule: rule)?.holder ?? "the origin"
          let part = "port \(port)" + (rule.map { " with \($0)" } ?? "")
          world.fail("\(laptop.holder) says that \(name) is active, but \(part) goes to \(owner)")
        }
      }
    case .serviceDeleted:
      if service.exists { world.fail("\(name) exists, and is said to be deleted") }
    case .changedBack:
      if service.isDiverted { world.fail("\(name) is diverted, and said to be changed back") }
    case .agentDeleted:
      if service.isDiverted, cluster.deployment == nil {
        world.fail("\(name) is diverted to an agent that was deleted")
      }
    default: world.fail("\(laptop.holder) leaves \(name) in phase \(phase)")
    }
  }

  func checkEnd() {
    let cluster = world.cluster
    for name in cluster.names where cluster.services[name]?.isDiverted == true {
      world.fail("at the end Service \(name) is diverted")
    }
    if let deployment = cluster.deployment { world.fail("at the end the agent is there: \(deployment.claims)") }
    if !cluster.leases.isEmpty { world.fail("at the end there are Leases of \(cluster.leases.keys.sorted())") }
    for laptop in world.laptops where laptop.machine?.services.isEmpty == false {
      world.fail("at the end \(laptop.holder) has not finished with \(laptop.machine?.services.keys.sorted() ?? [])")
    }
  }
}
