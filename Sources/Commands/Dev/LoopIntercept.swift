import ControlAPI
import DevLoop

/// The intercept beside a loop: begins once the local target answers, and is given back at the end; the daemon gives it
/// back if this process is killed.
actor LoopIntercept {
  /// Intercepts, calls `stands` once the intercept is in place, and returns when it has ended.
  typealias Hold =
    @Sendable (InterceptRequest, _ stands: @escaping @Sendable (InterceptReport) -> Void) async throws(ControlError) ->
    Void

  private let hold: Hold
  private let leave: @Sendable (LeaveRequest) async throws(ControlError) -> Void
  private var request: InterceptRequest
  private let name: String
  private let events: @Sendable (DevEvent) -> Void
  private var report: InterceptReport?
  /// The call that lasts as long as the intercept.
  private var call: Task<Void, Never>?
  private var isEnding = false
  /// Attempts since the loop's last round.
  private var attempts = 0
  private var told: LoopError?
  private let retryAfter: Duration

  /// - Parameter name: of the target that answers in the local cluster.
  init(client: ControlClient, request: InterceptRequest, name: String, events: @escaping @Sendable (DevEvent) -> Void) {
    self.init(request: request, name: name, events: events) { request, stands async throws(ControlError) in
      _ = try await client.call(request, holding: stands)
    } leave: { request async throws(ControlError) in
      _ = try await client.call(request)
    }
  }

  init(
    request: InterceptRequest, name: String, retryAfter: Duration = .seconds(1),
    events: @escaping @Sendable (DevEvent) -> Void, hold: @escaping Hold,
    leave: @escaping @Sendable (LeaveRequest) async throws(ControlError) -> Void
  ) {
    self.hold = hold
    self.leave = leave
    self.retryAfter = retryAfter
    self.request = request
    self.request.foreground = true
    self.name = name
    self.events = events
  }

  /// Intercepts after a round of the loop, and retries until it succeeds: a Service may refuse connections for a second
  /// after its Pods are ready. Someone who leaves the intercept elsewhere does so on purpose: it does not begin again.
  /// - Parameter namespace: returns the namespace of a Service that the loop has deployed.
  func begin(when rounds: AsyncStream<Void>, namespace: @Sendable (String) async -> String?) async {
    let (attempts, attempt) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingNewest(1))
    let following = Task {
      for await _ in rounds { attempt.yield(true) }
      attempt.finish()
    }
    defer { following.cancel() }
    for await isNewRound in attempts where report == nil {
      if isNewRound { self.attempts = 0 }
      if let deployed = await namespace(name) { request.target?.cluster.namespace = deployed }
      let (outcomes, outcome) = AsyncStream.makeStream(of: InterceptReport.self)
      let call = Task { [hold, request] in
        do throws(ControlError) {
          try await hold(request) { outcome.yield($0) }
        } catch {
          if error.code != .cancelled { self.failed(error) }
        }
        outcome.finish()
        self.ended()
      }
      self.call = call
      await withTaskCancellationHandler {
        if let report = await outcomes.first(where: { _ in true }) { begun(report) }
      } onCancel: {
        call.cancel()
      }
      if report == nil {
        let pause = retryAfter * min(max(self.attempts, 1), 5)
        Task {
          try? await Task.sleep(for: pause)
          attempt.yield(false)
        }
      }
    }
  }

  private func ended() {
    call = nil
    guard let report, !isEnding else { return }
    events(
      .warning(
        .init(
          message: report.rules?.isMirror == true
            ? "Service \(report.service) is no longer mirrored; start dev again to get copies of its requests"
            : "Service \(report.service) is no longer intercepted: its requests go to its own Pods; "
              + "start dev again to take them"
        )))
  }

  private func begun(_ report: InterceptReport) {
    self.report = report
    for warning in report.warnings { events(.warning(.init(message: warning))) }
    let to = report.to.map { "\($0.context)/\($0.namespace)/\($0.target)" } ?? name
    events(
      .intercepted(
        .init(
          context: report.context, namespace: report.namespace, service: report.service, to: to,
          requests: report.rules?.description)))
  }

  /// Reports a failure once, if it persists; the next attempt may fix a first one.
  private func failed(_ error: ControlError) {
    attempts += 1
    let failure = Self.failure(error)
    guard attempts > 1, failure != told else { return }
    told = failure
    events(.failed(failure))
  }

  private static func failure(_ error: ControlError) -> LoopError {
    LoopError(.intercepting, error.message, details: error.details, remedy: error.remedy)
  }

  func end() async {
    isEnding = true
    if let report, call != nil {
      do throws(ControlError) {
        try await leave(LeaveRequest(report.id))
      } catch {
        events(.failed(Self.failure(error)))
      }
    }
    call?.cancel()
    await call?.value
  }
}
