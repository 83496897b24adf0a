// A round starts each contender in turn (Contenders/), sends the same work through it (Load/), and ends it. Medians of
// the rounds make the table and the JSON (Report/).

import ArgumentParser
import CLinux

@main
struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devtunnel-bench",
    abstract: "Sends the same work through devtunnel forward and kubectl port-forward, in turn, and compares them.",
    discussion: """
      The target is a Service with three TCP ports: one that echoes, one that reads and discards, \
      one that writes without end.
      The cluster is kubectl's: KUBECONFIG, --context, --namespace.
      """)

  @Argument(help: "The contenders to measure: devtunnel, kubectl; own measures only the addresses of --own.")
  var contenders: [Program] = [.devtunnel, .kubectl]

  @Option(
    help: "Measure addresses that already listen, too: echo, sink and source.", transform: Listening.init(parsing:))
  var own: Listening?
  @Option(help: "The process behind --own, for its CPU time.")
  var ownPid: Int32?
  @Option(help: "The agent's process, if it runs on this machine: its CPU time is shown beside devtunnel's.")
  var agentPid: Int32?
  @Option(help: "The devtunnel to run.")
  var devtunnel = "devtunnel"
  @Option(help: "The kubectl to run.")
  var kubectl = "kubectl"

  @OptionGroup var target: TargetService
  @OptionGroup var work: Work

  @Option(help: "The number of rounds.")
  var rounds = 3
  @Option(
    help: ArgumentHelp("Write the results as JSON (-: to standard output, instead of the table).", valueName: "file"))
  var json: String?

  func validate() throws {
    guard rounds > 0, work.seconds > 0, work.connects > 0, work.roundTrips > 0, work.fan > 0 else {
      throw ValidationError("Counts and times must be positive.")
    }
    guard own != nil || !contenders.contains(.own) else {
      throw ValidationError("own needs --own, which gives its addresses.")
    }
  }

  func run() async throws {
    let empty = BenchReport(settings: settings, contenders: chosen.map { $0.name })
    let report = await Rounds(contenders: chosen, work: work, count: rounds, say: Self.say).run(empty)
    if json != "-" { print(report.table, terminator: "") }
    if let json { try report.write(to: json) }
    if report.contenders.contains(where: { $0.rounds.isEmpty }) { throw ExitCode.failure }
  }

  private var chosen: [any Contender] {
    var chosen: [any Contender] = []
    if contenders.contains(.kubectl) { chosen.append(KubectlForward(program: kubectl, target: target)) }
    if contenders.contains(.devtunnel) {
      chosen.append(DevtunnelForward(program: devtunnel, target: target, agent: agentPid))
    }
    if var own {
      own.process = ownPid
      chosen.append(own)
    }
    return chosen
  }

  private var settings: BenchReport.Settings {
    BenchReport.Settings(
      rounds: rounds, service: target.name, seconds: work.seconds, connects: work.connects, roundTrips: work.roundTrips,
      fan: work.fan)
  }

  /// Prints progress and problems to standard error: the table and JSON may be piped.
  private static func say(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { _ = clinux_write(2, $0.baseAddress, $0.count) }
  }
}

/// A contender that can be named.
enum Program: String, CaseIterable, ExpressibleByArgument { case devtunnel, kubectl, own }

/// The Service that receives the work.
struct TargetService: ParsableArguments {
  @Option(name: .customLong("service"), help: "The Service.")
  var name = "echo"
  @Option(help: "Its port that echoes.")
  var echoPort: UInt16 = 7000
  @Option(help: "Its port that reads and discards.")
  var sinkPort: UInt16 = 7001
  @Option(help: "Its port that writes without end.")
  var sourcePort: UInt16 = 7002
  @Option(name: .shortAndLong, help: "Its namespace.")
  var namespace: String?
  @Option(help: "The kubeconfig's context.")
  var context: String?

  var ports: [UInt16] { [echoPort, sinkPort, sourcePort] }
  var flags: [String] { (context.map { ["--context", $0] } ?? []) + (namespace.map { ["--namespace", $0] } ?? []) }
}

/// The amount of work for each contender in a round.
struct Work: ParsableArguments {
  @Option(help: "Seconds of one stream, each way; half a second before them does not count.")
  var seconds = 3.0
  @Option(help: "New connections, one after the other: connect, a byte there and back.")
  var connects = 300
  @Option(help: "Bytes there and back on one open connection.")
  var roundTrips = 1000
  @Option(help: "Connections at once, each with ten exchanges of 64 bytes.")
  var fan = 200
}
