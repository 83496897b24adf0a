import InterceptMachine

extension Laptop {
  static let noAnswer = Failure("the API server does not answer", isPassing: true)

  /// Sends a request to the API server. Its answer may be lost after the change was made.
  func call<T>(
    _ body: @escaping (Cluster) -> T, then: @escaping (Result<T, Failure>) -> Void, attempt: Int = 1
  ) {
    let delay = world.dice.hits(4) ? world.dice.time(500...3000) : world.dice.time(2...60)
    let isLost = world.dice.hits(world.faultsAreOver ? 0 : 1.5)
    let life = life
    world.after(delay) { [self] in
      guard cluster.isUp, hasNetwork || self.life != life else {
        if self.life == life { later(6_000) { then(.failure(Self.noAnswer)) } }
        return
      }
      if world.now < cluster.throttledUntil, world.dice.hits(60) {
        guard self.life == life else { return }
        guard attempt < 3 else { return later(20) { then(.failure(Failure("throttled", isPassing: true))) } }
        return later(world.dice.time(1000...4000)) { [self] in call(body, then: then, attempt: attempt + 1) }
      }
      let result = body(cluster)
      guard self.life == life else { return }
      if isLost {
        later(8_000) { then(.failure(Self.noAnswer)) }
      } else {
        later(world.dice.time(1...30)) { then(.success(result)) }
      }
    }
  }

  // MARK: The Lease

  func renew() {
    guard !isRenewing else { return }
    isRenewing = true
    keepRenewing(life)
  }

  private func keepRenewing(_ life: Int) {
    guard self.life == life, machine?.needsLease == true else {
      isRenewing = false
      return
    }
    renewals += 1
    call { [self] cluster -> Bool in
      guard cluster.leases[holder] != nil || world.planted != .deletedLease || machine?.hasClaims != true else {
        return false
      }
      writeLease(cluster)
      return true
    } then: { [self] result in
      renewals -= 1
      if case .success(false) = result {
        // As an earlier version did: the Lease is gone, so the intercept is another's.
        forget()
        if let session { session.pod.close(session) }
        session = nil
      }
      later(10_000) { self.keepRenewing(life) }
    }
  }

  func writeLease(_ cluster: Cluster) {
    cluster.leases[holder] = Cluster.Lease(renewed: clock, version: (cluster.leases[holder]?.version ?? 0) + 1)
  }

  /// Looks at the holders' Leases, and if none was renewed lately, once more: a `renewTime` is by its holder's clock.
  /// Returns those who live; nil if none does.
  func look(at holders: Set<String>, _ then: @escaping (Result<Set<String>?, Failure>) -> Void) {
    call { cluster in
      holders.reduce(into: [String: Cluster.Lease]()) { $0[$1] = cluster.leases[$1] }
    } then: {
      [self] first in
      guard case .success(let leases) = first else { return then(.failure(Self.noAnswer)) }
      let fresh = holders.filter { name in leases[name].map { (0..<30_000).contains(clock - $0.renewed) } ?? false }
      guard fresh.isEmpty else { return then(.success(fresh)) }
      later(12_000) { [self] in
        call { cluster in
          holders.filter { cluster.leases[$0]?.version != leases[$0]?.version }
        } then: { second in
          then(second.map { $0.isEmpty ? nil : $0 })
        }
      }
    }
  }
}
