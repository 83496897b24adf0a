import ControlAPI
import Synchronization

/// An engine whose intercepts and forwards are entries in memory; tests hold it at the points that matter.
final class FakeEngine: Engine {
  struct State {
    var intercepts: [InterceptID: InterceptReport] = [:]
    var forwards: [String: ForwardReport] = [:]
    var events: [String] = []
    var lastForward = 0
  }

  /// An intercept's behaviour before it is ready.
  enum Pace { case atOnce, untilCancelled, untilCancelledThenReady }

  /// Rung at each change.
  let signal = ChangeSignal()
  private let state = Mutex(State())
  private let pace: Pace
  /// A line for each thing that happened, for tests to wait on.
  private let (happenings, happened) = AsyncStream<String>.makeStream()

  private let staying: [ControlError]

  private let recovery: Duration

  /// - Parameters:
  ///   - staying: what cannot be undone at the end.
  ///   - recovery: how long it takes to undo what an earlier daemon left.
  init(pace: Pace = .atOnce, staying: [ControlError] = [], recovery: Duration = .zero) {
    self.recovery = recovery
    self.pace = pace
    self.staying = staying
  }

  var events: [String] { state.withLock { $0.events } }
  var intercepted: [String] { state.withLock { $0.intercepts.keys.map(\.service).sorted() } }

  /// Returns once `event` has happened; each call goes on where the one before stopped.
  func wait(for event: String) async {
    for await one in happenings where one == event { return }
  }

  func changes() -> AsyncStream<Void> { signal.rings() }

  private func note(_ event: String) {
    defer { signal.ring() }
    state.withLock { $0.events.append(event) }
    happened.yield(event)
  }

  func intercept(_ request: InterceptRequest, progress: @escaping Progress) async throws -> InterceptReport {
    progress("starting the agent")
    note("intercepting \(request.service)")
    if pace != .atOnce {
      try? await Task.sleep(for: .seconds(60))
      note("cancelled \(request.service)")
      if pace == .untilCancelled { throw CancellationError() }
    }
    let context = request.cluster.context ?? "test"
    let report = InterceptReport(
      context: context, cluster: ClusterIdentity(uid: context, server: "https://\(context)"), namespace: "default",
      service: request.service, workload: "Deployment/\(request.service)", state: .active,
      ports: [.init(service: 80, name: "http", target: 8080, host: "127.0.0.1:8080")], holder: "alice@laptop",
      since: "2026-01-31T10:02:00Z")
    state.withLock { $0.intercepts[report.id] = report }
    return report
  }

  func leave(_ request: LeaveRequest, progress: @escaping Progress) async throws -> [LeaveReport] {
    if Task.isCancelled { throw CancellationError() }
    guard let service = request.id?.service ?? request.service else { throw ControlError(.badInput, "name a Service") }
    let left = state.withLock { state in
      let id = request.id ?? state.intercepts.keys.first { $0.service == service }
      return id.flatMap { state.intercepts.removeValue(forKey: $0) }
    }
    guard let left else {
      throw ControlError(.notFound, "\(service) is not intercepted", remedy: "devtunnel status shows what is")
    }
    note(left.context == "test" ? "left \(service)" : "left \(service) in \(left.context)")
    return [LeaveReport(left.id, context: left.context, cut: 0)]
  }

  func forward(_ request: ForwardRequest, progress: @escaping Progress) async throws -> ForwardReport {
    let report = state.withLock { state in
      state.lastForward += 1
      let report = ForwardReport(
        id: "f\(state.lastForward)", context: "test", namespace: "default", target: request.target,
        ports: request.ports.map { .init(host: "\(request.address):\($0.host)", remote: $0.remote) })
      state.forwards[report.id] = report
      return report
    }
    note("forwarding \(report.id)")
    return report
  }

  func stopForward(_ request: StopForwardRequest) async throws {
    if Task.isCancelled { throw CancellationError() }
    guard state.withLock({ $0.forwards.removeValue(forKey: request.id) }) != nil else {
      throw ControlError(.notFound, "there is no forward \(request.id)")
    }
    note("stopped \(request.id)")
  }

  func shell(_ request: ShellRequest, progress: @escaping Progress) async throws -> ShellReport {
    note("shell for \(request.service ?? "the namespace")")
    return ShellReport(
      id: "0123", context: "test", namespace: "default", workload: nil, helper: "/bin/true", plan: "/plan",
      environment: ["A": "1"], warnings: [])
  }

  func connect(_ request: ConnectRequest, progress: @escaping Progress) async throws -> OutboundReport {
    OutboundReport(id: "p1", kind: "proxy", context: "test", namespace: "default")
  }

  func answer(_ answer: BastionAnswer) async { note("answered for \(answer.url)") }

  func connectHost(_ request: ConnectRequest, progress: @escaping Progress) async throws -> ShellReport {
    throw ControlError(.refused, "no range is known")
  }

  func disconnect(_ request: DisconnectRequest) async throws {
    throw ControlError(.notFound, "there is no proxy '\(request.id ?? "")'")
  }

  func explain(_ request: ExplainRequest) async throws -> ExplainReport {
    ExplainReport(context: "test", namespace: "default", service: request.intercept.service, ports: [])
  }

  func way(_ request: WayRequest, progress: @escaping Progress) async throws -> WayReport {
    WayReport(context: "test", namespace: "default", service: request.service, hops: [])
  }

  func list(_ cluster: ClusterSelection, allNamespaces: Bool) async throws -> [ListEntry] {
    [
      ListEntry(
        context: "test", namespace: "default", service: "user", ports: ["80/http"], workload: "Deployment/user",
        obstacle: nil, interceptedBy: nil, since: nil)
    ]
  }

  func services(of workload: String, in cluster: ClusterSelection) async throws -> [ListEntry] {
    throw ControlError(.notFound, "there is no workload \(workload)")
  }

  func status() async -> StatusReport {
    state.withLock {
      StatusReport(daemon: nil, intercepts: $0.intercepts.values.map(\.self), forwards: $0.forwards.values.map(\.self))
    }
  }

  func restore(_ request: RestoreRequest, progress: @escaping Progress) async throws -> RestoreReport {
    for step in 1...3 { progress("step \(step)") }
    return RestoreReport(done: ["Service user"], left: request.force ? [] : ["Service cart"])
  }

  func requests(_ request: RequestsRequest, items: @escaping @Sendable ([RequestsItem]) async -> Void) async throws
    -> RequestsReport
  {
    await items([RequestsItem(lost: 1), RequestsItem(lost: 2)])
    while request.follow, !Task.isCancelled {
      await items([RequestsItem(lost: 3)])
      try? await Task.sleep(for: .milliseconds(10))
    }
    return RequestsReport(notes: ["that is all"])
  }

  func doctor(_ cluster: ClusterSelection, progress: @escaping Progress) async -> [DoctorCheck] {
    [DoctorCheck("API server", .ok, "answers")]
  }
  func recover() async {
    if recovery > .zero {
      note("recovering")
      try? await Task.sleep(for: recovery)
    }
    note(Task.isCancelled ? "recovery cancelled" : "recovered")
  }

  func shutDown(progress: @escaping Progress) async -> [ControlError] {
    progress("leaving")
    state.withLock { $0.intercepts = [:] }
    note(Task.isCancelled ? "shut down, cancelled" : "shut down")
    return staying
  }
}
