import InterceptMachine

/// A developer's machine, whose daemon runs the machine under test.
final class Laptop {
  unowned(unsafe) let world: World
  let holder: String
  /// The error of its clock, in milliseconds.
  let clockError: Int
  var machine: InterceptMachine?
  /// Grows with each process: answers to a former one are dropped.
  private(set) var life = 0
  private(set) var isFrozen = false
  private var frozenSince = 0
  private(set) var hasNetwork = true
  /// The time since which nothing reaches it.
  private(set) var unreachableSince: Int?
  var session: AgentSession?
  var isDialing = false
  /// The Deployment whose agent it uses.
  var uid: Int?
  /// The names that the journal has, with their ports.
  var journal: [String: Wish] = [:]
  /// The user's wishes, to judge the end by.
  var wanted: Set<String> = []
  private var frozen: [() -> Void] = []
  var watchDue: [String: Int] = [:]
  private var wakeAt: Int?
  /// The steps that were begun, to see whether it is at rest.
  var steps = 0
  var isRenewing = false
  /// Renewals of the Lease that are on their way.
  var renewals = 0
  private var phases: [String: Phase] = [:]
  var cluster: Cluster { world.cluster }

  init(_ world: World, number: Int, clockError: Int) {
    self.world = world
    self.clockError = clockError
    holder = "dev\(number)"
  }

  var isAlive: Bool { machine != nil }
  /// The time that its clock shows.
  var clock: Int { world.now + clockError }

  // MARK: The process

  func start() {
    life += 1
    machine = InterceptMachine(holder: holder, listens: [])
    noteReachability()
    isRenewing = false
    isDialing = false
    wakeAt = nil
    renewals = 0
    phases = [:]
    world.note("\(holder) starts")
    for wish in journal.values.sorted(by: { $0.service < $1.service }) { observe(.undo(wish)) }
    for name in journal.keys.sorted() { follow(name) }
    renew()
  }

  /// Ends the process, as SIGKILL does.
  func kill() {
    guard isAlive else { return }
    world.note("\(holder) is killed")
    life += 1
    machine = nil
    isFrozen = false
    frozen = []
    uid = nil
    wanted = []
    let old = session
    session = nil
    if let old { world.after(20) { if old.isOpen { old.pod.close(old) } } }
    noteReachability()
  }

  func freeze(for time: Int) {
    guard isAlive, !isFrozen else { return }
    world.note("\(holder) sleeps for \(World.text(time))")
    isFrozen = true
    frozenSince = world.now
    noteReachability()
    let life = life
    world.after(time) { [self] in
      guard self.life == life, isFrozen else { return }
      wake()
    }
  }

  private func wake() {
    world.note("\(holder) wakes")
    isFrozen = false
    noteReachability()
    let due = frozen
    frozen = []
    for action in due { action() }
    if let session, session.isOpen {
      if world.now - frozenSince > 20_000 {
        session.pod.close(session)
      } else if world.now - frozenSince >= 5_000 {
        observe(.session(.silent))
        observe(.session(.heardAgain))
      }
    }
    dial()
  }

  func cut(for time: Int) {
    guard isAlive, hasNetwork else { return }
    world.note("\(holder) has no network for \(World.text(time))")
    hasNetwork = false
    noteReachability()
    let life = life
    let cutSession = session
    world.after(5_000) { [self] in
      guard self.life == life, !hasNetwork, let session, session === cutSession else { return }
      run { self.observe(.session(.silent)) }
    }
    world.after(18_000) { [self] in
      guard !hasNetwork, let cutSession, cutSession.isOpen else { return }
      cutSession.pod.close(cutSession)
    }
    world.after(time) { [self] in
      hasNetwork = true
      noteReachability()
      guard self.life == life else { return }
      if let session, session === cutSession, session.isOpen { run { self.observe(.session(.heardAgain)) } }
      dial()
    }
  }

  private func noteReachability() {
    let isReachable = isAlive && !isFrozen && hasNetwork
    unreachableSince = isReachable ? nil : unreachableSince ?? world.now
  }

  /// Runs an action of the present process, once it is awake.
  func run(_ action: @escaping () -> Void) {
    guard isAlive else { return }
    if isFrozen { frozen.append(action) } else { action() }
  }

  /// Runs an action of the present process after a delay.
  func later(_ delay: Int, _ action: @escaping () -> Void) {
    let life = life
    world.after(delay) { [self] in if self.life == life { run(action) } }
  }

  // MARK: The machine

  func observe(_ observation: Observation) {
    guard machine != nil else { return }
    world.note("\(holder) < \(describe(observation))")
    machine?.observe(observation, at: world.instant)
    notePhases()
    think()
  }

  func finish(_ step: Step, _ outcome: Outcome) { observe(.finished(step, outcome)) }

  private func think() {
    guard let (due, wake) = machine?.next(at: world.instant) else { return }
    notePhases()
    for step in due {
      world.note("\(holder) > \(describe(step))")
      steps += 1
      perform(step)
    }
    takeEnded()
    guard let wake else { return }
    let time = Int(wake / .milliseconds(1))
    guard wakeAt.map({ time < $0 || $0 <= world.now }) ?? true else { return }
    wakeAt = time
    later(time - world.now) { [self] in
      wakeAt = nil
      think()
    }
  }

  private func takeEnded() {
    guard let machine, !machine.ended.isEmpty || machine.services.isEmpty else { return }
    for (service, facts) in machine.ended {
      world.note("\(holder): \(service) is over: \(facts.end.map { describe($0) } ?? "")")
      journal[service] = nil
      wanted.remove(service)
    }
    self.machine?.forgetEnded()
    if machine.services.isEmpty, let session {
      self.session = nil
      session.pod.close(session)
      uid = nil
      self.machine?.observe(.session(.closed), at: world.instant)
    }
  }

  private func notePhases() {
    guard let onPhase = world.onPhase, let machine else { return }
    var present: [String: Phase] = [:]
    for name in machine.services.keys { present[name] = machine.phase(of: name) }
    for name in cluster.names where phases[name] != present[name] { onPhase(phases[name], present[name]) }
    phases = present
  }

  /// Forgets everything, as faulty versions did.
  func forget() {
    machine = InterceptMachine(holder: holder, listens: [])
    journal = [:]
    wanted = []
  }

  /// True if `status` says that requests to a port arrive here: those that meet a rule, or, with nil, all of them.
  func says(_ port: UInt16, _ rule: String?) -> Bool {
    cluster.names.contains { name in
      guard machine?.services[name]?.wish.ports.contains(port) == true, machine?.phase(of: name) == .active,
        let claim = machine?.claim(to: port, through: name)
      else { return false }
      guard let rule else { return claim.rules == nil }
      return claim.rules?.contains(rule) == true
    }
  }

  // MARK: The user

  func intercept(_ wish: Wish) {
    guard isAlive, !isFrozen, machine?.services[wish.service] == nil else { return }
    world.note("\(holder): intercept \(describe(wish))")
    journal[wish.service] = wish
    wanted.insert(wish.service)
    observe(.intercept(wish))
    follow(wish.service)
  }

  func leave(_ service: String) {
    guard isAlive, !isFrozen, machine?.services[service] != nil else { return }
    world.note("\(holder): leave \(service)")
    wanted.remove(service)
    observe(.leave(service: service, drain: .seconds(2)))
  }
}
