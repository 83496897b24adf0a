import ControlAPI
import KubeAPI
import KubeObjects
import Testing

@testable import Workloads

/// The part that needs no cluster: values and the references among them (Kubernetes API, EnvVar).
struct WorkloadEnvironmentTests {
  private func read(_ variables: JSONValue) async throws -> [String: String] {
    // Nothing listens there, and nothing is asked.
    let client = KubeClient(ClusterAccess(server: try #require(ServerURL("https://127.0.0.1:1"))))
    return try await WorkloadEnvironment(client: client, namespace: "testbed").read(["env": variables])
  }

  @Test("References to variables before; others and doubled dollars stay")
  func expansion() async throws {
    let environment = try await read([
      ["name": "HOST", "value": "db"], ["name": "URL", "value": "tcp://$(HOST):$(PORT)/$$(HOST)$$"],
      ["name": "PORT", "value": "5432"],
      ["name": "AGAIN", "value": "$(URL)"], ["name": "PLAIN", "value": "a$b $(open $"], ["name": "EMPTY", "value": ""],
    ])
    #expect(
      environment == [
        "HOST": "db", "URL": "tcp://db:$(PORT)/$(HOST)$", "PORT": "5432", "AGAIN": "tcp://db:$(PORT)/$(HOST)$",
        "PLAIN": "a$b $(open $", "EMPTY": "",
      ])
  }

  @Test("A variable with neither value nor source is empty, as the API server stores an empty value")
  func empty() async throws {
    let environment = try await read([
      ["name": "EMPTY"], ["name": "USES", "value": "<$(EMPTY)>"], ["name": "BOTH", "value": "x"], ["name": "BOTH"],
    ])
    #expect(environment == ["EMPTY": "", "USES": "<>", "BOTH": ""])
  }

  @Test("Leaves out values that only a Pod has")
  func fieldReferences() async throws {
    #expect(
      try await read([
        ["name": "NODE", "valueFrom": ["fieldRef": ["fieldPath": "spec.nodeName"]]], ["name": "A", "value": "1"],
      ]) == ["A": "1"])
  }

  @Test("Variables that double each other are refused, and not made", arguments: [20, 36, 1_000])
  func doubling(count: Int) async throws {
    let variables: [JSONValue] = (0..<count).map { number in
      let value = number == 0 ? "x" : "$(V\(number - 1))$(V\(number - 1))"
      return ["name": JSONValue("V\(number)"), "value": JSONValue(value)]
    }
    let error = await #expect(throws: ControlError.self) { _ = try await read(.array(variables)) }
    #expect(
      error?.message.hasPrefix("the workload's variable V18 is longer than 128 KiB") == true,
      "\(String(describing: error))")
  }

  @Test("So do many that are large together; one that is set again counts once")
  func total() async throws {
    let text = String(repeating: "x", count: 100_000)
    func variables(_ names: [String]) -> JSONValue {
      .array(names.map { ["name": JSONValue($0), "value": JSONValue(text)] })
    }
    let error = await #expect(throws: ControlError.self) { _ = try await read(variables((0..<30).map { "V\($0)" })) }
    #expect(error?.message.contains("makes more than 2 MiB") == true)
    #expect(try await read(variables((0..<30).map { _ in "V" })) == ["V": text])
  }
}
