import Glibc
import Simulation

// `./install.sh simulate` runs this program.

/// Prints the log of one schedule. Returns the exit code.
func replay(_ seed: UInt64, _ planted: Planted?) -> Int32 {
  let verdict = Scenario.run(seed: seed, planted: planted, isLogging: true)
  for line in verdict.log { print(line) }
  print(verdict.violation.map { "violation: \($0)" } ?? "no violation")
  return verdict.violation == nil ? 0 : 1
}

/// Runs many schedules, and prints the first violations with the commands that replay them. Returns the exit code.
func run(_ options: Options) -> Int32 {
  var failed = 0
  var connections = 0
  let seeds = options.first..<options.first + options.seeds
  for seed in seeds {
    let verdict = Scenario.run(seed: seed, planted: options.planted)
    connections += verdict.connections
    guard let violation = verdict.violation else { continue }
    failed += 1
    let fault = options.planted.map { " --planted \($0.rawValue)" } ?? ""
    if failed <= 10 { print("seed \(seed): \(violation)\n    ./install.sh simulate --seed \(seed)\(fault)") }
    guard options.planted == nil else {
      print("found by schedule \(seed - options.first + 1)")
      return 1
    }
  }
  print("\(seeds.count) seeds from \(options.first), \(connections) connections, \(failed) failed")
  return failed == 0 ? 0 : 1
}

do throws(Options.Wrong) {
  let words = Array(CommandLine.arguments.dropFirst())
  if words == ["-h"] || words == ["--help"] {
    print(Options.usage)
    exit(0)
  }
  let options = try Options(words)
  exit(options.only.map { replay($0, options.planted) } ?? run(options))
} catch {
  let text = "devtunnel-simulate: \(error.reason)\n\(Options.usage)\n"
  _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(2)
}
