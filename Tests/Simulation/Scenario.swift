import InterceptMachine

/// The result of one schedule.
public struct Verdict: Sendable {
  public var seed: UInt64
  /// The invariant that was violated; nil if all held.
  public var violation: String?
  /// The connections that clients made.
  public var connections: Int
  /// The copies of them that mirrors got.
  public var copies: Int
  /// A line for each event, if it was asked for.
  public var log: [String]
}

/// A schedule that follows from its seed: people, faults, a quiet time, and the end.
public struct Scenario {
  let world: World
  /// Faults end here.
  let faultsEnd: Int
  private let quietEnd: Int
  let end: Int

  private init(_ world: World) {
    self.world = world
    faultsEnd = world.dice.time(20_000...90_000)
    quietEnd = faultsEnd + 100_000
    end = quietEnd + 120_000
  }

  /// Runs the schedule of a seed. `onPhase` gets each change of an intercept's phase; nil is no intercept.
  public static func run(
    seed: UInt64, planted: Planted? = nil, isLogging: Bool = false, onPhase: ((Phase?, Phase?) -> Void)? = nil
  ) -> Verdict {
    let world = World(seed: seed, planted: planted, isLogging: isLogging, onPhase: onPhase)
    let scenario = Scenario(world)
    scenario.set()
    world.run(until: scenario.end)
    if world.violation == nil { scenario.checkEnd() }
    let verdict = Verdict(
      seed: seed, violation: world.violation, connections: world.connections, copies: world.copies, log: world.log)
    world.clear()
    return verdict
  }

  private func set() {
    let cluster = world.cluster
    cluster.endpointsChanged()
    // One clock in five is wrong.
    for number in 1...world.dice.time(1...4) {
      let clockError = world.dice.hits(20) ? world.dice.pick([-3_600_000, 3_600_000, -40_000, 40_000]) : 0
      let laptop = Laptop(world, number: number, clockError: clockError)
      world.laptops.append(laptop)
      laptop.start()
    }
    judge()
    for laptop in world.laptops { use(laptop) }
    world.after(world.dice.time(2000...20_000)) { fault() }
    world.at(faultsEnd) { endFaults() }
    world.at(quietEnd - 20_000) { for laptop in world.laptops { laptop.steps = 0 } }
    world.at(quietEnd) {
      checkRest()
      leaveAll()
    }
  }

  // MARK: People

  private func use(_ laptop: Laptop) {
    world.after(world.dice.time(100...15_000)) {
      guard world.now < faultsEnd else { return }
      let name = world.dice.pick(world.cluster.names)
      if laptop.machine?.services[name] != nil {
        if world.dice.hits(60) { laptop.leave(name) }
      } else if let service = world.cluster.services[name], service.exists {
        var ports = service.ports
        if ports.count > 1, world.dice.hits(50) { ports = [world.dice.pick(ports.sorted())] }
        laptop.intercept(Wish(service: name, ports: ports, takesOver: world.dice.hits(20), rules: rules()))
        // Two commands at once are where races are.
        let others = world.laptops.filter { $0 !== laptop && $0.isAlive }
        if !others.isEmpty, world.dice.hits(40) {
          let wish = Wish(service: name, ports: ports, takesOver: world.dice.hits(50), rules: rules())
          let other = world.dice.pick(others)
          world.after(world.dice.time(0...200)) { other.intercept(wish) }
        }
      }
      use(laptop)
    }
  }

  /// Returns the rules of a personal intercept, or of a mirror, or nil.
  private func rules() -> Set<String>? {
    guard world.dice.hits(50) else { return nil }
    if world.dice.hits(40) { return [world.dice.pick(World.copies)] }
    let first = world.dice.pick(World.rules)
    return world.dice.hits(30) ? [first, world.dice.pick(World.rules)] : [first]
  }

  // MARK: The end

  /// Everybody leaves; a dead laptop comes back and undoes its own, or someone else restores it.
  private func leaveAll() {
    for laptop in world.laptops {
      if laptop.isAlive {
        for name in laptop.machine?.services.keys.sorted() ?? [] { laptop.leave(name) }
      } else if world.dice.hits(50) {
        laptop.start()
      } else {
        restore(laptop.holder)
      }
    }
  }

  /// Undoes a dead holder's intercepts, as `devtunnel restore` does from any machine.
  private func restore(_ holder: String) {
    let cluster = world.cluster
    world.note("restore of what \(holder) left")
    if let found = cluster.deployment {
      var claims = found.claims
      claims.remove(holder: holder)
      _ = cluster.update(claims, from: found)
      for name in cluster.names where !claims.contains(service: name) { cluster.restore(name) }
      if claims.isEmpty && (claims.closer == nil || claims.closer == holder) {
        for name in cluster.names { cluster.restore(name) }
        cluster.removeDeployment()
      }
    } else {
      for name in cluster.names { cluster.restore(name) }
    }
    cluster.leases[holder] = nil
  }
}
