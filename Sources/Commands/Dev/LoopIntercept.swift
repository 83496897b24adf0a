import ControlAPI
import DevLoop

/// The intercept beside a loop: begins once something answers in the local cluster, and is given back at the end.
actor LoopIntercept {
  private let client: ControlClient
  private var request: InterceptRequest
  private let name: String
  private let events: @Sendable (DevEvent) -> Void
  private var report: InterceptReport?

  /// - Parameter name: what answers in the local cluster.
  init(client: ControlClient, request: InterceptRequest, name: String, events: @escaping @Sendable (DevEvent) -> Void) {
    self.client = client
    self.request = request
    self.name = name
    self.events = events
  }

  /// Tries after each round of the loop, until it stands.
  /// - Parameter namespace: of a Service that the loop has deployed.
  func begin(when rounds: AsyncStream<Void>, namespace: @Sendable (String) async -> String?) async {
    for await _ in rounds where report == nil {
      if let deployed = await namespace(name) { request.target?.cluster.namespace = deployed }
      do throws(ControlError) {
        let report = try await client.call(.intercept, request, returning: InterceptReport.self)
        self.report = report
        for warning in report.warnings { events(.warning(.init(message: warning))) }
        let to = report.to.map { "\($0.context)/\($0.namespace)/\($0.target)" } ?? name
        events(.intercepted(.init(context: report.context, namespace: report.namespace, service: report.service, to: to)))
      } catch {
        if error.code != .cancelled { events(.failed(LoopError(.intercepting, error.message, details: error.details, remedy: error.remedy))) }
      }
    }
  }

  func end() async {
    guard let report else { return }
    var cluster = request.cluster
    cluster.context = report.context
    cluster.namespace = report.namespace
    do throws(ControlError) {
      _ = try await client.call(.leave, LeaveRequest(cluster: cluster, service: report.service), returning: [LeaveReport].self)
    } catch {
      events(.failed(LoopError(.intercepting, error.message, details: error.details, remedy: error.remedy)))
    }
  }
}
