import ControlAPI
import Testing

@testable import Commands

struct SettingsFileTests {
  @Test func everyKeyIsRead() throws {
    let settings = try SettingsFile.parse(
      """
      # mine
      kubeconfig: ~/dev.yaml
      context: dev
      namespace: testbed
      output: json
      logLevel: debug
      agentImage: registry.example/agent:1
      drain: 2.5
      moveConnections: "no"
      address: ::1
      portForwardProtocol: v4
      """, file: "config.yaml")
    #expect(
      settings
        == Settings(
          kubeconfig: "~/dev.yaml", context: "dev", namespace: "testbed", output: .json, logLevel: .debug,
          agentImage: "registry.example/agent:1", drain: 2.5, moveConnections: .no, address: "::1",
          portForwardProtocol: .v4))
  }

  @Test func aFileThatCannotBeReadIsToldInTheSystemsWords() {
    let problem = #expect(throws: ControlError.self) { try SettingsFile.load("/tmp") }
    #expect(problem?.code == .badInput && problem?.message.hasSuffix("Is a directory") == true)
  }

  @Test(arguments: ["", "# nothing\n", "{}", "---\n"])
  func anEmptyFileSetsNothing(text: String) throws { #expect(try SettingsFile.parse(text, file: "f") == Settings()) }

  @Test(arguments: [
    ("context: a\nnamspace: b\n", "f:2: namspace is no key"),
    ("\n\noutput: yaml\n", "f:3: output must be one of table, json, not yaml"),
    ("drain: soon\n", "f:1: drain must be a number of seconds, 0 or more, not soon"),
    ("drain: -1\n", "f:1: drain must be a number of seconds, 0 or more, not -1"),
    ("context: a\nnamespace:\n  - b\n", "f:3: namespace must be a single value"),
    ("context:\n", "f:1: context must be a single value"),
    ("address: laptop\n", "f:1: address must be an IP address such as 127.0.0.1 or ::1, not laptop"),
    ("- context\n", "f:1: must be a mapping of keys to values"),
    ("context\n", "f:1: must be a mapping of keys to values"),
  ])
  func mistakesAreNamedWithTheirLine(text: String, message: String) {
    let problem = #expect(throws: ControlError.self) { try SettingsFile.parse(text, file: "f") }
    #expect(problem?.message == message)
    #expect(problem?.remedy != nil)
  }

  @Test(arguments: ["context: [\n", "a: b: c\n", "context: a\ncontext: b\n"])
  func brokenYAMLNamesFileAndLine(text: String) {
    let problem = #expect(throws: ControlError.self) { try SettingsFile.parse(text, file: "f") }
    #expect(problem?.message.hasPrefix("f:") == true)
  }

  @Test func noFileIsNoSettings() throws { #expect(try SettingsFile.load("/nonexistent/config.yaml") == Settings()) }
}
