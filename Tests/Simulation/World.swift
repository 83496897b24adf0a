import InterceptMachine

/// One schedule: a cluster, its laptops, faults, and the clients that connect all the time. Its times are milliseconds.
final class World {
  private(set) var now = 0
  var dice: Dice
  private var agenda = Agenda()
  let planted: Planted?
  /// The first violation of an invariant.
  private(set) var violation: String?
  /// Lines about events; kept only if asked for.
  private(set) var log: [String] = []
  let isLogging: Bool
  /// Gets each change of an intercept's phase, nil for no intercept.
  let onPhase: ((Phase?, Phase?) -> Void)?
  var connections = 0
  /// Copies that mirrors got.
  var copies = 0

  var faultsAreOver = false
  /// Clients are busy until then.
  var busyUntil = 0
  var ownersSince: [String: Int] = [:]
  private var connectAt = 0

  private(set) lazy var cluster = Cluster(self, services: Self.services(&dice))
  var laptops: [Laptop] = []

  init(seed: UInt64, planted: Planted?, isLogging: Bool, onPhase: ((Phase?, Phase?) -> Void)?) {
    self.planted = planted
    self.isLogging = isLogging
    self.onPhase = onPhase
    dice = Dice(seed: seed)
  }

  /// The rules of personal intercepts.
  static let rules = ["header x=a", "header x=b", "path /c"]
  /// Those of mirrors: of all that arrives, and of requests that meet the last of the others.
  static let copies = ["copy *", "copy *\npath /c"]

  /// One to three Services of the workload, some of them with a port in common.
  private static func services(_ dice: inout Dice) -> [String: Cluster.Service] {
    var all: [(name: String, ports: Set<UInt16>)] = [
      ("web", [8080]), ("web-alt", [8080]), ("admin", [9090]), ("all", [8080, 9090]),
    ]
    var services: [String: Cluster.Service] = [:]
    for _ in 0..<dice.time(1...3) {
      let (name, ports) = all.remove(at: dice.below(all.count))
      services[name] = Cluster.Service(ports: ports)
    }
    return services
  }

  /// The time as the machine gets it.
  var instant: Instant { .milliseconds(now) }

  func after(_ delay: Int, _ action: @escaping () -> Void) { agenda.add(at: now + max(delay, 0), action) }
  func at(_ time: Int, _ action: @escaping () -> Void) { agenda.add(at: max(time, now), action) }

  func note(_ text: @autoclosure () -> String) {
    if isLogging { log.append("\(Self.text(now)) \(text())") }
  }

  static func text(_ time: Int) -> String {
    let milliseconds = String(time % 1000)
    return "\(time / 1000)." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
  }

  func fail(_ text: @autoclosure () -> String) {
    guard violation == nil else { return }
    violation = "\(Self.text(now)) \(text())"
    note("VIOLATION \(text())")
  }

  /// Drops all events, which keep the world alive.
  func clear() {
    agenda = Agenda()
    laptops = []
  }

  /// Runs until a time, or until an invariant is violated. Clients connect all the time.
  func run(until end: Int) {
    while violation == nil {
      let next = agenda.first ?? .max
      if connectAt < next, connectAt < end {
        now = max(now, connectAt)
        cluster.connect()
        connectAt = now + dice.time(isBusy ? 3...15 : 50...250)
      } else {
        guard next <= end, let action = agenda.take() else { break }
        now = max(now, next)
        action()
      }
    }
    now = max(now, end)
  }

  /// Clients are busy while a kube-proxy lags: a quiet one may still use an agent that is gone.
  private var isBusy: Bool { now < busyUntil || cluster.isLagging }
}
