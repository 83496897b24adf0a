import Agents
import ArgumentParser
import ControlAPI
import FoundationEssentials

/// Starts the program `devtunnel-lab` in this process's place. The lab has a TLS server and a node of its own, which a
/// user of a real cluster does not need: so it is not a part of this program.
struct LabVerb: ParsableCommand, HandlesSignals {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "A pocket cluster on this machine, for trying and testing.",
    discussion: """
      `devtunnel lab --help` shows its verbs: up, status, enter and down. It is a program of its own, which \
      `./install.sh --lab` installs.
      """)

  static let program = "devtunnel-lab"

  @Argument(
    parsing: .captureForPassthrough, help: ArgumentHelp("A verb of the lab, and its options.", valueName: "verb"),
    completion: .list(["up", "status", "enter", "down"]))
  var words: [String] = []

  func run() throws {
    guard let program = Installation.program(Self.program) else { throw Self.missing }
    try ProgramEntry.become(
      program, [program] + Self.arguments(Array(CommandLine.arguments.dropFirst()), behind: words),
      ProcessInfo.processInfo.environment)
  }

  static let missing = ControlError(
    .failed, "the lab is not installed",
    remedy: "run `./install.sh --lab` in devtunnel's sources to install it, or `./install.sh demo` to try it")

  /// Returns the words of the command line without the verb `lab`: global options may precede it.
  /// - Parameter captured: the words behind the verb.
  static func arguments(_ all: [String], behind captured: [String]) -> [String] {
    Array(all.dropLast(captured.count + 1)) + captured
  }
}
