import ArgumentParser
import Foundation
import Testing

@testable import LabCommands

struct LabVerbsTests {
  /// Verbs that print no data of their own: a program's output, nothing, a log.
  private static let without: Set<String> = ["enter", "down", "serve"]

  /// docs/output.md: whatever prints data, prints it as JSON if `--output json` asks for it.
  @Test func everyVerbThatPrintsDataTakesAFormat() {
    let verbs = LabCommand.configuration.subcommands
    #expect(verbs.count == 5)
    for verb in verbs {
      let takes = Mirror(reflecting: verb.init()).children.contains { $0.label == "_outputOptions" }
      #expect(takes != Self.without.contains(verb.configuration.commandName ?? ""), "\(verb)")
    }
  }

  @Test func globalOptionsStandBeforeOrBehindTheVerb() throws {
    for words in [["-v", "down", "--name", "two"], ["down", "--name", "two", "-v"]] {
      let command = try #require(try LabCommand.parseAsRoot(words) as? LabDown)
      #expect(command.global.verbose && command.lab.name == "two")
    }
  }
}

/// `devtunnel lab` as people type it: the built programs, beside the tests.
struct LabProgramTests {
  private let folder = FileManager.default.temporaryDirectory.path + "/devtunnel-\(UUID().uuidString)"
  private let products: String

  init() throws {
    let tests = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? "/proc/self/exe"
    products = URL(filePath: tests).resolvingSymlinksInPath().deletingLastPathComponent().path
  }

  private struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  private func run(_ program: String, _ arguments: [String]) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.environment = ["HOME": folder, "XDG_STATE_HOME": folder + "/state"]
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let texts = try [output, errors].map {
      String(decoding: try $0.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, output: texts[0], errors: texts[1])
  }

  @Test func theVerbBecomesTheProgram() throws {
    let help = try run(products + "/devtunnel", ["lab", "--help"])
    #expect(help.status == 0 && help.errors.isEmpty)
    #expect(help.output.contains("USAGE: devtunnel lab "))
    #expect(try run(products + "/devtunnel", ["lab", "up", "--help"]).output.contains("USAGE: devtunnel lab up "))
    let status = try run(products + "/devtunnel", ["-v", "lab", "status", "--name", "none"])
    #expect(status.status == 1)
    #expect(status.errors.hasPrefix("devtunnel: no lab named none runs\n"))
    #expect(try run(products + "/devtunnel", ["lab", "nonsense"]).status == 2)
  }

  @Test func withoutTheProgramItSaysHowToInstallIt() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder + "/bin", withIntermediateDirectories: true)
    let alone = folder + "/bin/devtunnel"
    try FileManager.default.copyItem(atPath: products + "/devtunnel", toPath: alone)
    let missing = try run(alone, ["lab", "up"])
    #expect(missing.status == 1)
    #expect(missing.errors.hasPrefix("devtunnel: the lab is not installed\nrun `./install.sh --lab`"))
    let helpers = folder + "/libexec/devtunnel"
    try FileManager.default.createDirectory(atPath: helpers, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: products + "/devtunnel-lab", toPath: helpers + "/devtunnel-lab")
    #expect(try run(alone, ["lab", "--help"]).output.contains("USAGE: devtunnel lab "))
  }
}
