import ControlAPI
import Testing

@testable import Commands

struct ShellEntryTests {
  private func environment(_ workload: [String: String], own: [String: String]) throws -> [String: String] {
    let report = ShellReport(
      id: "i", context: "c", namespace: "n", workload: nil, helper: "/h", plan: "/p/plan", environment: workload)
    return try ShellEntry(report, command: ["true"], own: own).environment
  }

  @Test func theWorkloadsVariablesComeOnTopOfThePersons() throws {
    #expect(
      try environment(["A": "workload", "B": "2"], own: ["A": "own", "HOME": "/h"]) == [
        "A": "workload", "B": "2", "HOME": "/h",
      ])
  }

  @Test(arguments: ["http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
  func aProxyOfThePersonsIsTakenAwayAndOneThatWasAskedForStays(name: String) throws {
    #expect(try environment([:], own: [name: "http://proxy", "NO_PROXY": "x"]) == ["NO_PROXY": "x"])
    #expect(try environment([name: "http://cluster"], own: [name: "http://proxy"]) == [name: "http://cluster"])
  }
}
