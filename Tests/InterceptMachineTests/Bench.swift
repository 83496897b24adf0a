import InterceptMachine

/// A machine under test, the time that passes for it, and a cluster that does as it is asked.
struct Bench {
  static let me = "me"
  var machine = InterceptMachine(holder: me, listens: [8080, 9090])
  var now = Instant.zero
  /// Steps that were begun and not finished.
  var begun: [Step] = []
  /// The claims that the cluster has.
  var claims = Claims()

  /// Takes observations. Returns the steps that begin.
  @discardableResult
  mutating func see(_ observations: Observation...) -> [Step] { see(observations) }

  @discardableResult
  mutating func see(_ observations: [Observation]) -> [Step] {
    for observation in observations {
      machine.observe(observation, at: now)
      if case .finished(let step, _) = observation { begun.removeAll { $0 == step } }
    }
    return next()
  }

  /// Lets time pass. Returns the steps that begin at its end.
  @discardableResult
  mutating func pass(_ time: Duration) -> [Step] {
    now += time
    return next()
  }

  private mutating func next() -> [Step] {
    let steps = machine.next(at: now).steps
    begun += steps
    return steps
  }

  /// Finishes a step. Returns the steps that begin.
  @discardableResult
  mutating func finish(_ step: Step, _ outcome: Outcome = .done) -> [Step] { see(.finished(step, outcome)) }

  @discardableResult
  mutating func fail(_ step: Step, isPassing: Bool = true) -> [Step] {
    finish(step, .failed(Failure("no", isPassing: isPassing)))
  }

  func phase(_ service: String = "web") -> Phase { machine.phase(of: service) }

  // MARK: A cluster that does as it is asked

  /// Does everything that is begun, until nothing is or the Service has reached a phase; the rest of an answer is not
  /// seen then. Returns the steps.
  @discardableResult
  mutating func run(until phase: Phase? = nil, of service: String = "web") -> [Step] {
    var done: [Step] = []
    while phase == nil || self.phase(service) != phase, let step = begun.first {
      done.append(step)
      for observation in answer(step) where phase == nil || self.phase(service) != phase { see(observation) }
    }
    return done
  }

  /// Returns the observations that follow a step.
  mutating func answer(_ step: Step) -> [Observation] {
    switch step {
    case .join(let wishes):
      for wish in wishes { claims.take(wish.ports, of: wish.service, for: Self.me, rules: wish.rules) }
      return [.finished(step, .joined(claims, agent: "a"))]
        + wishes.map { .selector(service: $0.service, .own(changedBy: nil)) } + [.session(.opened)]
    case .verify: return [.finished(step, .read(claims))]
    case .admit:
      return [.finished(step, .admitted(isSteady: true))]
        + machine.services.keys.sorted().map { .listed(service: $0, Listed(agents: true, origin: true)) }
    case .divert(let name):
      return [
        .finished(step, .done), .selector(service: name, .diverted),
        .listed(service: name, Listed(agents: true, origin: false)),
      ]
    case .restore(let name, _):
      return [
        .finished(step, .done), .selector(service: name, .own(changedBy: nil)),
        .listed(service: name, Listed(agents: true, origin: true)),
      ]
    case .release(let names):
      claims.remove(names, of: Self.me)
      return [.finished(step, .released(isLast: claims.isEmpty))]
    case .retire:
      return [.finished(step, .done)]
        + machine.services.keys.sorted().map { .listed(service: $0, Listed(agents: false, origin: true)) }
    case .drain: return [.finished(step, .drained(cut: 0))]
    default: return [.finished(step, .done)]
    }
  }

  // MARK: Beginnings

  static let web = Wish(service: "web", ports: [8080])

  /// Returns a bench whose intercepts have reached a phase.
  static func at(_ phase: Phase, _ wishes: Wish...) -> Bench {
    var bench = Bench()
    bench.see(wishes.map { .intercept($0) })
    if wishes.isEmpty { bench.see(.intercept(web)) }
    let last = wishes.last?.service ?? "web"
    bench.run(until: phase, of: last)
    if phase == .active { bench.run() }
    return bench
  }
}
