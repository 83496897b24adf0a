/// The contenders in turn, several times.
struct Rounds {
  let contenders: [any Contender]
  let work: Work
  let count: Int
  /// Receives progress and problems.
  let say: (String) -> Void

  @inline(never)  // Inlined into the command, it crashes the optimizer of Swift 6.3.1 ("splitting coroutine").
  func run(_ empty: BenchReport) async -> BenchReport {
    var report = empty
    for round in 0..<count {
      // Another contender begins each round.
      for offset in contenders.indices {
        let index = (round + offset) % contenders.count
        say("round \(round + 1)/\(count): \(contenders[index].name)")
        let outcome = await measure(contenders[index])
        for problem in outcome.problems { say("  \(problem)") }
        report.contenders[index].add(outcome)
      }
    }
    report.conclude()
    return report
  }

  private func measure(_ contender: any Contender) async -> Measurement.Outcome {
    let work = work
    do {
      return try await contender.forwarding { Measurement(endpoints: $0, work: work).run() }
    } catch {
      return Measurement.Outcome(problems: ["\(error)"])
    }
  }
}
