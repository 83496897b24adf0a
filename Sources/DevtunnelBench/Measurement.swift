import CLinux

/// One contender's work in one round.
struct Measurement {
  let endpoints: Endpoints
  let work: Work

  struct Outcome: Sendable {
    var values: [Metric: Double] = [:]
    /// Parts that could not be measured, each with its reason.
    var problems: [String] = []
  }

  func run() -> Outcome {
    var outcome = Outcome()
    func attempt(_ name: String, _ body: () throws(BenchError) -> Void) {
      do throws(BenchError) { try body() } catch { outcome.problems.append("\(name): \(error.message)") }
    }
    attempt("start") { () throws(BenchError) in
      _ = try Latency.roundTrips(1, to: endpoints.echo)
      if let startedAt = endpoints.startedAt {
        outcome.values[.start] = Double(clinux_monotonic_us() - startedAt) / 1e6
      }
    }
    // If nothing answers, the rest would only wait for its time-outs.
    guard outcome.problems.isEmpty else { return outcome }
    attempt("up") { () throws(BenchError) in
      let cost = CPUCost(endpoints)
      let flow = try Throughput.send(to: endpoints.sink, seconds: work.seconds)
      outcome.values[.up] = flow.megabytesPerSecond
      cost.tell(.cpuUp, .agentCPUUp, bytes: flow.bytes, &outcome.values)
    }
    attempt("down") { () throws(BenchError) in
      let cost = CPUCost(endpoints)
      let flow = try Throughput.receive(from: endpoints.source, seconds: work.seconds)
      outcome.values[.down] = flow.megabytesPerSecond
      cost.tell(.cpuDown, .agentCPUDown, bytes: flow.bytes, &outcome.values)
    }
    attempt("connect") { () throws(BenchError) in
      let times = try Latency.connects(work.connects, to: endpoints.echo)
      outcome.values[.connectP50] = times.percentile(50)
      outcome.values[.connectP99] = times.percentile(99)
    }
    attempt("round trip") { () throws(BenchError) in
      let times = try Latency.roundTrips(work.roundTrips, to: endpoints.echo)
      outcome.values[.roundTripP50] = times.percentile(50)
      outcome.values[.roundTripP99] = times.percentile(99)
    }
    attempt("fan") { () throws(BenchError) in
      let fan = try Fan.run(connections: work.fan, to: endpoints.echo)
      outcome.values[.fanAnswered] = Double(fan.answered)
      if fan.answered == work.fan {
        outcome.values[.fan] = fan.seconds
        outcome.values[.fanP99] = fan.exchanges.percentile(99)
      } else {
        outcome.problems.append(
          "fan: \(work.fan - fan.answered) of \(work.fan) connections were not answered: \(fan.problem)")
      }
    }
    return outcome
  }
}

/// CPU time of a contender's processes between its `init` and `tell`.
private struct CPUCost {
  let endpoints: Endpoints
  let client: Double
  let agent: Double?

  init(_ endpoints: Endpoints) {
    self.endpoints = endpoints
    client = endpoints.clients.reduce(0) { $0 + (ProcessTimes(of: $1)?.cpuSeconds ?? 0) }
    agent = endpoints.agent.flatMap { ProcessTimes(of: $0)?.cpuSeconds }
  }

  /// Waits until the data under way has arrived, then sets both metrics, in seconds per GB.
  func tell(_ clientMetric: Metric, _ agentMetric: Metric, bytes: Int, _ values: inout [Metric: Double]) {
    Clock.sleep(microseconds: 300_000)
    let after = CPUCost(endpoints)
    let gigabytes = Double(bytes) / 1e9
    if !endpoints.clients.isEmpty { values[clientMetric] = (after.client - client) / gigabytes }
    if let agent, let later = after.agent { values[agentMetric] = (later - agent) / gigabytes }
  }
}
