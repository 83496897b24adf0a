import ControlAPI
import DevLoop

/// The intercept beside a loop: begins once something answers in the local cluster, and is given back at the end; by the daemon itself, should this process be
/// killed.
actor LoopIntercept {
  private let client: ControlClient
  private var request: InterceptRequest
  private let name: String
  private let events: @Sendable (DevEvent) -> Void
  private var report: InterceptReport?
  /// The call that lasts as long as the intercept.
  private var call: Task<Void, Never>?
  private var isEnding = false

  /// - Parameter name: what answers in the local cluster.
  init(client: ControlClient, request: InterceptRequest, name: String, events: @escaping @Sendable (DevEvent) -> Void) {
    self.client = client
    self.request = request
    self.request.foreground = true
    self.name = name
    self.events = events
  }

  /// Tries after each round of the loop, until it stands. Whoever leaves it elsewhere means it: it does not begin again.
  /// - Parameter namespace: of a Service that the loop has deployed.
  func begin(when rounds: AsyncStream<Void>, namespace: @Sendable (String) async -> String?) async {
    for await _ in rounds where report == nil {
      if let deployed = await namespace(name) { request.target?.cluster.namespace = deployed }
      let (outcomes, outcome) = AsyncStream.makeStream(of: InterceptReport.self)
      let call = Task { [client, request] in
        do throws(ControlError) {
          _ = try await client.call(.intercept, request, returning: InterceptReport.self, holding: { outcome.yield($0) })
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
    }
  }

  private func ended() {
    call = nil
    guard let report, !isEnding else { return }
    events(.warning(.init(message: "Service \(report.service) is not intercepted any more: its requests go to its own Pods; start dev again to take them")))
  }

  private func begun(_ report: InterceptReport) {
    self.report = report
    for warning in report.warnings { events(.warning(.init(message: warning))) }
    let to = report.to.map { "\($0.context)/\($0.namespace)/\($0.target)" } ?? name
    events(.intercepted(.init(context: report.context, namespace: report.namespace, service: report.service, to: to)))
  }

  private func failed(_ error: ControlError) {
    events(.failed(LoopError(.intercepting, error.message, details: error.details, remedy: error.remedy)))
  }

  func end() async {
    isEnding = true
    if let report, call != nil {
      var cluster = request.cluster
      cluster.context = report.context
      cluster.namespace = report.namespace
      do throws(ControlError) {
        _ = try await client.call(.leave, LeaveRequest(cluster: cluster, service: report.service), returning: [LeaveReport].self)
      } catch {
        failed(error)
      }
    }
    call?.cancel()
    await call?.value
  }
}
