import Foundation
import Testing

@testable import Agents

struct AgentRecordsTests {
  private func withPath(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "devtunnel-records-\(UUID())").path
    defer { for end in ["", ".unreadable"] { try? FileManager.default.removeItem(atPath: path + end) } }
    try body(path)
  }

  @Test("The next daemon knows the name and what was made; a name is random, and another after the agent has gone")
  func kept() throws {
    try withPath { path in
      let records = AgentRecords(path: path)
      let name = try records.name("gateway", prefix: "gateway-")
      #expect(name.wholeMatch(of: /gateway-[0-9a-f]{16}/) != nil)
      #expect(try records.name("gateway", prefix: "gateway-") == name)
      #expect(try AgentRecords(path: nil).name("gateway", prefix: "gateway-") != name)
      var agent = FakeNamespace.identity(uid: "u")
      (agent.generation, agent.secret, agent.program) = (2, "s1", "p1")
      try records.made("gateway", as: agent)
      let next = AgentRecords(path: path)
      #expect(next["gateway"] == .init(workload: name, uid: "u", generation: 2, secret: "s1", program: "p1"))
      #expect(next["gateway"]?.isOf(agent) == true)
      for change in [\AgentIdentity.secret, \.program] {
        var other = agent
        other[keyPath: change] = "s2"
        #expect(next["gateway"]?.isOf(other) == false)
        other[keyPath: change] = nil
        #expect(next["gateway"]?.isOf(other) == false)
      }
      next.forget("gateway")
      #expect(try next.name("gateway", prefix: "gateway-") != name)
    }
  }

  @Test(
    "A file with anything in it",
    arguments: ["", "{", "[]", "null", #"{"a": 1}"#, #"{"a": {}}"#, #"{"a": {"workload": 7}}"#])
  func garbled(text: String) throws {
    try withPath { path in
      try Data(text.utf8).write(to: URL(filePath: path))
      let records = AgentRecords(path: path)
      #expect(records["a"] == nil)
      #expect(FileManager.default.fileExists(atPath: path + ".unreadable"))
    }
  }

  @Test(
    "A name that could point elsewhere is not taken from the file",
    arguments: ["../../secrets/x", "", "A", "a/b", "a b"])
  func names(name: String) throws {
    try withPath { path in
      try JSONEncoder().encode(["a": AgentRecords.Record(workload: name, uid: "u", generation: 1)]).write(
        to: URL(filePath: path))
      #expect(AgentRecords(path: path)["a"] == nil)
    }
  }
}
