import Exchanges
import KubeObjects

/// A request that got no answer.
public struct ReplayFailure: Error, Sendable, Hashable {
  public var reason: String

  public init(_ reason: String) { self.reason = reason }
}

/// Sends the requests of a plan one after the other, and compares the answers.
public struct Replayer: Sendable {
  /// Sends a request, and returns the whole answer.
  public typealias Send = @Sendable (ReplayRequest) async throws(ReplayFailure) -> Exchange.Answer

  private let plan: ReplayPlan
  private let options: ReplayOptions
  private let send: Send

  public init(_ plan: ReplayPlan, _ options: ReplayOptions, send: @escaping Send) {
    self.plan = plan
    self.options = options
    self.send = send
  }

  /// - Parameter report: called with each result, in order.
  /// - Returns: the summary; of what was sent so far, if the task is cancelled.
  public func run(_ report: (ReplayResult) async -> Void) async -> ReplaySummary {
    var summary = ReplaySummary()
    let clock = ContinuousClock()
    let begin = clock.now
    var names = MethodNames(send)
    for step in plan.steps {
      if options.gaps, step.obstacle == nil {
        try? await clock.sleep(until: begin + .seconds(min(step.offset, 86_400)))
      }
      if Task.isCancelled { break }
      let result = await run(step, clock, &names)
      if Task.isCancelled { break }
      summary.add(result)
      await report(result)
    }
    return summary
  }

  private func run(_ step: ReplayPlan.Step, _ clock: ContinuousClock, _ names: inout MethodNames) async -> ReplayResult
  {
    if let obstacle = step.obstacle { return ReplayResult(step.exchange, .skipped, reason: obstacle) }
    let start = clock.now
    let answer: Exchange.Answer
    do throws(ReplayFailure) { answer = try await send(step.request) } catch {
      return ReplayResult(step.exchange, .failed, reason: error.reason)
    }
    let duration = clock.now - start
    var differences = AnswerComparison(options).differences(step.exchange, answer)
    if step.exchange.isGRPC, differences.contains(where: { $0.field.hasPrefix("message[") }),
      let reader = await names.reader(step.request)
    {
      differences = AnswerComparison(options, message: reader).differences(step.exchange, answer)
    }
    var result = ReplayResult(step.exchange, differences.isEmpty ? .same : .differs)
    result.differences = differences
    result.now = answer.status
    result.duration = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    return result
  }
}

/// The names of the fields in messages, asked of servers that have gRPC's reflection, each service once.
private struct MethodNames {
  private let send: Replayer.Send
  private var types = ProtobufTypes()
  private var asked: Set<String> = []

  init(_ send: @escaping Replayer.Send) { self.send = send }

  /// Returns the reader of a method's answers; nil without names.
  mutating func reader(_ request: ReplayRequest) async -> (([UInt8]) -> JSONValue)? {
    guard let service = Reflection.service(of: request.target) else { return nil }
    if asked.insert(service).inserted {
      for path in Reflection.paths {
        let call = Reflection.request(service, path: path, authority: request.authority)
        guard let answer = try? await send(call) else { continue }
        let files = Reflection.files(answer)
        for file in files { types.add(file: file) }
        if !files.isEmpty { break }
      }
    }
    guard let type = types.answers[request.target] else { return nil }
    let reader = ProtobufReader(types)
    return { reader.read($0, type: type) }
  }
}
