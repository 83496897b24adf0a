import Foundation
import InterceptMachine
import Simulation
import Testing

struct ScheduleTests {
  /// Runs seeds on all cores, a few at a time. The results are in the seeds' order.
  static func each<T: Sendable>(of seeds: Range<UInt64>, _ body: @escaping @Sendable (UInt64) -> T) async -> [T] {
    await withTaskGroup(of: (UInt64, [T]).self) { group in
      for first in stride(from: seeds.lowerBound, to: seeds.upperBound, by: 100) {
        group.addTask { (first, (first..<min(first + 100, seeds.upperBound)).map(body)) }
      }
      var parts: [(UInt64, [T])] = []
      for await part in group { parts.append(part) }
      return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
    }
  }

  /// The first 2,000 schedules, and for each the phases that followed another one.
  private static let first = Task {
    await each(of: 1..<2001) { seed in
      var transitions: Set<[String]> = []
      let verdict = Scenario.run(seed: seed) { transitions.insert([name(of: $0), name(of: $1)]) }
      return (verdict: verdict, transitions: transitions)
    }
  }

  private static func name(of phase: Phase?) -> String {
    phase.map { "\($0)".prefix { $0 != "(" } }.map(String.init) ?? "-"
  }

  @Test("2,000 schedules keep every promise", .timeLimit(.minutes(5)))
  func promises() async {
    let verdicts = await Self.first.value.map(\.verdict)
    #expect(verdicts.count == 2000)
    #expect(verdicts.reduce(0) { $0 + $1.connections } > 1_000_000)
    #expect(verdicts.reduce(0) { $0 + $1.copies } > 100_000)
    for verdict in verdicts {
      guard let violation = verdict.violation else { continue }
      Issue.record("seed \(verdict.seed): \(violation): ./install.sh simulate --seed \(verdict.seed)")
    }
  }

  @Test("docs/intercept-machine.md has the transitions that occur, and no others", .timeLimit(.minutes(5)))
  func transitions() async throws {
    let occurred = await Self.first.value.reduce(into: Set<[String]>()) { $0.formUnion($1.transitions) }
    let table = Dictionary(grouping: occurred) { $0[0] }.sorted { $0.key < $1.key }.map { from, all in
      "| `\(from)` | " + all.map { "`\($0[1])`" }.sorted().joined(separator: ", ") + " |"
    }
    let page = try String(contentsOf: Self.root.appending(path: "docs/intercept-machine.md"), encoding: .utf8)
    let section = try #require(page.split(separator: "## The transitions\n").last?.split(separator: "\n## ").first)
    let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
    #expect(rows == table, "the table should be:\n\(table.joined(separator: "\n"))")
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

  @Test("A fault that is put back is found", .timeLimit(.minutes(5)), arguments: Planted.allCases)
  func planted(fault: Planted) async throws {
    var seed: UInt64 = 1
    while seed <= 10_000, Scenario.run(seed: seed, planted: fault).violation == nil { seed += 1 }
    #expect(seed <= 10_000)
    // The same schedule is kept without it.
    #expect(Scenario.run(seed: seed).violation == nil)
  }

  @Test("A seed gives the same schedule again", arguments: [1, 17, 4711])
  func repeated(seed: UInt64) {
    let first = Scenario.run(seed: seed, isLogging: true)
    let second = Scenario.run(seed: seed, isLogging: true)
    #expect(first.log.count > 20)
    #expect(first.log == second.log)
    #expect(first.connections == second.connections)
    #expect(Scenario.run(seed: seed).connections == first.connections, "logging changes nothing")
  }

  /// Swift's hashes have another seed in each process.
  @Test("A seed gives the same schedule in another process", arguments: [2, 42])
  func processes(seed: UInt64) throws {
    let here = Scenario.run(seed: seed, isLogging: true)
    let (output, status) = try Self.simulate("--seed", "\(seed)")
    #expect(output == (here.log + ["no violation", ""]).joined(separator: "\n"))
    #expect(status == 0)
  }

  @Test("Different seeds give different schedules")
  func different() { #expect(Scenario.run(seed: 1).connections != Scenario.run(seed: 2).connections) }

  // MARK: The program

  @Test(
    "Refuses a wrong option, and says what is right",
    arguments: [
      ["--seed"], ["--seed", "x"], ["0"], ["-3"], ["3", "4"], ["--planted", "no-such"], ["--seed", "3", "7"],
      ["--from", "0"], ["--fast"],
    ])
  func refused(arguments: [String]) throws {
    let (output, status) = try Self.simulate(arguments, errors: true)
    #expect(status == 2)
    #expect(output.hasPrefix("devtunnel-simulate: "))
    #expect(output.contains("usage: "))
  }

  @Test("A violation ends with 1, and with the command that replays it")
  func violation() throws {
    let (output, status) = try Self.simulate("500", "--planted", "two-services")
    #expect(status == 1)
    let seed = try #require(output.firstMatch(of: /--seed (\d+) --planted two-services/)?.1)
    let (log, again) = try Self.simulate("--seed", String(seed), "--planted", "two-services")
    #expect(again == 1)
    #expect(log.contains("violation: "))
  }

  /// Runs the built program.
  private static func simulate(_ arguments: String...) throws -> (output: String, status: Int32) {
    try simulate(arguments, errors: false)
  }

  private static func simulate(_ arguments: [String], errors: Bool) throws -> (output: String, status: Int32) {
    let folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let process = Process()
    process.executableURL = folder.appending(path: "devtunnel-simulate")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = errors ? FileHandle.nullDevice : pipe
    process.standardError = errors ? pipe : FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (String(decoding: output, as: UTF8.self), process.terminationStatus)
  }
}
