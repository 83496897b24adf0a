import Synchronization
import Testing

/// New connections to a Service, one after the other on several threads, until it has to end.
final class Load: Sendable {
  struct Outcome: Sendable {
    var answers: [String: Int] = [:]
    var failures: [String] = []
  }

  private let isEnding = Atomic(false)
  private let outcome = Mutex(Outcome())

  /// Runs `work` under load.
  static func run(_ request: @Sendable @escaping () async throws -> String, during work: () async throws -> Void)
    async throws -> Outcome
  {
    let load = Load()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<3 { group.addTask { await load.keepAsking(request) } }
      defer { load.isEnding.store(true, ordering: .relaxed) }
      try await work()
      load.isEnding.store(true, ordering: .relaxed)
      try await group.waitForAll()
      return load.outcome.withLock { $0 }
    }
  }

  private func keepAsking(_ request: @Sendable () async throws -> String) async {
    while !isEnding.load(ordering: .relaxed) {
      do {
        let answer = try await request()
        outcome.withLock { $0.answers[answer, default: 0] += 1 }
      } catch {
        outcome.withLock { $0.failures.append("\(error)") }
      }
      try? await Task.sleep(for: .milliseconds(2))
    }
  }
}

extension Lab {
  /// Checks that no new connection to two Services is lost while `work` runs.
  func expectNoneLost(_ first: String, _ second: String, during work: () async throws -> Void) async throws {
    let (one, other) = (try await requester(first), try await requester(second))
    let outcome = try await Load.run(one) {
      let outcome = try await Load.run(other, during: work)
      #expect(outcome.failures.isEmpty, "\(second): \(outcome.failures.count) lost; \(outcome.failures.first ?? "")")
    }
    #expect(outcome.failures.isEmpty, "\(first): \(outcome.failures.count) lost; \(outcome.failures.first ?? "")")
  }
}
