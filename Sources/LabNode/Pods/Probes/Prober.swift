/// Runs one probe of one running container, until its task is cancelled.
struct Prober: Sendable {
  enum Kind: String, Sendable {
    case readiness = "Readiness"
    case liveness = "Liveness"
    case startup = "Startup"
  }

  let kind: Kind
  let probe: Probe
  let address: String
  let network: NetworkProbe
  /// Runs a command in the container; nil where the time ran out.
  let exec: @Sendable ([String], Duration) async throws -> Command.Result?

  /// - Parameters:
  ///   - failed: each failure that counts, in the kubelet's words.
  ///   - changed: each time a threshold is reached: whether the probe passes.
  /// - Returns: after cancellation; a startup probe also once it has passed or failed.
  func run(failed: @Sendable (String) async -> Void, changed: @Sendable (Bool) async -> Void) async {
    var verdict = ProbeVerdict(probe, initially: kind == .liveness)
    guard await sleep(probe.initialDelay) else { return }
    // A server needs a moment to listen. Asking again soon, until it first answers, makes a Pod ready as soon as it is:
    // of these extra attempts only success counts.
    var soon = kind == .liveness ? probe.period : .milliseconds(25)
    var hasSucceeded = false
    var nextCounted = ContinuousClock.now + .milliseconds(500)
    while !Task.isCancelled {
      let result = await check()
      if Task.isCancelled { return }
      if case .success = result { hasSucceeded = true }
      if hasSucceeded || ContinuousClock.now >= nextCounted {
        nextCounted = .now + probe.period
        if case .failure(let reason) = result { await failed(reason) }
        if verdict.take(result) {
          await changed(verdict.isPassing)
          if kind == .startup { return }
        }
      }
      guard await sleep(hasSucceeded ? probe.period : min(soon, probe.period)) else { return }
      soon = min(soon * 2, probe.period)
    }
  }

  /// One attempt.
  func check() async -> ProbeResult {
    switch probe.action {
    case .http(let port, let path, let host, let headers, isSecure: false):
      return await network.get(host ?? address, port, path: path, headers: headers, timeout: probe.timeout)
    case .http(let port, _, let host, _, isSecure: true), .tcp(let port, let host):
      return await network.connect(host ?? address, port, timeout: probe.timeout)
    case .unsupported(let reason): return .failure(reason)
    case .exec(let command):
      do {
        guard let done = try await exec(command, probe.timeout) else {
          return .failure("command \(command) timed out after \(probe.timeout.components.seconds)s")
        }
        return done.status == 0 ? .success : .failure((done.output + done.error).trimmed)
      } catch { return .failure("\(error)") }
    }
  }

  private func sleep(_ duration: Duration) async -> Bool {
    if duration > .zero { try? await Task.sleep(for: duration) }
    return !Task.isCancelled
  }
}
