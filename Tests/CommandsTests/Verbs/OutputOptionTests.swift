import ArgumentParser
import Foundation
import Testing

@testable import Commands

/// docs/output.md: whatever prints data, prints it as JSON where `--output json` asks for it.
struct OutputOptionTests {
  /// Verbs that print no data of their own, or text that has a form of its own.
  private static let without: Set<String> = [
    "completion",  // a script
    "logs",  // the log's lines
    "render",  // YAML
    "requests",  // text, JSON or HAR: an option of its own
    "shell", "lab",  // what the command in it prints
    "disconnect", "quit",  // nothing
    "daemon run",  // a log
    "mcp",  // JSON-RPC
    "metrics",  // OpenMetrics
  ]

  /// The words of each verb, and its type.
  private static func verbs(_ command: any ParsableCommand.Type, _ words: [String] = []) -> [(
    words: [String], type: any ParsableCommand.Type
  )] {
    let all = command.configuration.subcommands + command.configuration.groupedSubcommands.flatMap(\.subcommands)
    if all.isEmpty { return [(words, command)] }
    return all.flatMap { verbs($0, words + [$0.configuration.commandName ?? "\($0)"]) }
  }

  @Test func everyVerbThatPrintsDataTakesAFormat() {
    let verbs = Self.verbs(Devtunnel.self)
    #expect(verbs.count > 20)
    for (words, type) in verbs {
      let takes = Mirror(reflecting: type.init()).children.contains { $0.label == "_outputOptions" }
      #expect(takes != Self.without.contains(words.joined(separator: " ")), "devtunnel \(words.joined(separator: " "))")
    }
    #expect(Self.without.isSubset(of: verbs.map { $0.words.joined(separator: " ") }))
  }

  @Test(arguments: ["version", "version --output json", "version -o table"]) func theVersionTakesIt(line: String) throws
  {
    let command = try #require(
      try Devtunnel.parseAsRoot(line.split(separator: " ").map(String.init)) as? VersionCommand)
    #expect(command.outputOptions.output == (line.hasSuffix("json") ? .json : line.hasSuffix("table") ? .table : nil))
    let report = VersionReport(
      version: "1.2.3", build: "b", swift: "6.3", agent: nil,
      agents: [.init(architecture: "amd64", path: "/a", size: 2048)])
    #expect(report.lines == ["devtunnel 1.2.3, build b, Swift 6.3", "agent for amd64: /a, 2 KiB"])
  }

  @Test func pathsAreJoinedWithOneSlash() {
    #expect(GlobalOptions.absolute("~/first/config", home: "/") == "/first/config")
    #expect(GlobalOptions.absolute("~/config", home: "/home/a") == "/home/a/config")
    #expect(GlobalOptions.absolute("config", home: nil) == FileManager.default.currentDirectoryPath + "/config")
  }
}
