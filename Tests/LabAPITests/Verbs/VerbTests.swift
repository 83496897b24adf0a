import KubeObjects
import Testing

@testable import LabAPI

@Suite struct VerbTests {
  @Test func creationFillsInDefaults() async throws {
    let api = try await APIHarness()
    let service = try await api.send(.POST, Sample.services, Sample.service("web", targetPort: nil))
    #expect(service.code == 201)
    #expect(service.object[path: "spec", "clusterIP"]?.stringValue?.hasPrefix("10.98.0.") == true)
    #expect(service.object[path: "spec", "ports"]?[0]?["targetPort"] == 80)
    #expect(service.object[path: "spec", "ports"]?[0]?["protocol"] == "TCP")
    let pod = try await api.send(.POST, Sample.pods, Sample.pod("a"))
    #expect(pod.object[path: "spec", "restartPolicy"] == "Always")
    #expect(pod.object[path: "spec", "containers"]?[0]?["imagePullPolicy"] == "IfNotPresent")
    #expect(pod.object[path: "status", "phase"] == "Pending")
  }

  @Test func mistakesAreTold() async throws {
    let api = try await APIHarness()
    var answer = try await api.send(.POST, Sample.pods, Sample.pod("Bad_Name"))
    #expect(answer.code == 422)
    #expect(answer.object["reason"] == "Invalid")
    #expect(answer.object[path: "details", "causes"]?[0]?["field"] == "metadata.name")
    answer = try await api.send(.POST, Sample.deployments, Sample.deployment("web", labels: ["app": "other"]))
    #expect(answer.object[path: "details", "causes"]?[0]?["field"] == "spec.template.metadata.labels")
    answer = try await api.send(.POST, "/api/v1/namespaces/nowhere/configmaps", ["metadata": ["name": "a"]])
    #expect(answer.code == 404)
    #expect(answer.object["message"] == "namespaces \"nowhere\" not found")
    answer = try await api.send(.GET, Sample.pods + "/none")
    #expect(answer.object["reason"] == "NotFound")
    try await api.send(.POST, Sample.pods, Sample.pod("a"))
    answer = try await api.send(.POST, Sample.pods, Sample.pod("a"))
    #expect(answer.code == 409 && answer.object["reason"] == "AlreadyExists")
  }

  @Test func staleWritersConflict() async throws {
    let api = try await APIHarness()
    let created = try await api.send(.POST, Sample.services, Sample.service("web")).object
    let path = Sample.services + "/web"
    try await api.send(.PATCH, path, ["metadata": ["labels": ["a": "b"]]], type: "application/merge-patch+json")
    let stale = try await api.send(.PUT, path, created)
    #expect(stale.code == 409 && stale.object["reason"] == "Conflict")
    var fresh = created
    fresh[path: "metadata", "resourceVersion"] = nil
    #expect(try await api.send(.PUT, path, fresh).code == 200)
  }

  @Test func clusterAddressesAndSelectorsAreFixed() async throws {
    let api = try await APIHarness()
    try await api.send(.POST, Sample.services, Sample.service("web"))
    let moved = try await api.send(
      .PATCH, Sample.services + "/web", ["spec": ["clusterIP": "10.98.0.77"]], type: "application/merge-patch+json")
    #expect(moved.code == 422)
    try await api.send(.POST, Sample.deployments, Sample.deployment("web"))
    let other = try await api.send(
      .PATCH, Sample.deployments + "/web", ["spec": ["selector": ["matchLabels": ["x": "y"]]]],
      type: "application/merge-patch+json")
    #expect(other.code == 422)
  }

  /// As Kubernetes does: labels may change, neither the content nor the flag.
  @Test(arguments: ["configmaps", "secrets"]) func immutableContentIsFixed(kind: String) async throws {
    let api = try await APIHarness()
    let collection = Sample.services.replacing("/services", with: "/\(kind)")
    let made = try await api.send(
      .POST, collection, ["metadata": ["name": "a"], "immutable": true, "data": ["k": "dg=="]])
    #expect(made.code == 201 && made.object["immutable"] == true)
    let patches: [(JSONValue, Int)] = [
      (["data": ["k": "eA=="]], 422), (["immutable": false], 422), (["immutable": nil], 422),
      (["metadata": ["annotations": ["backup": "yes"]]], 200),
    ]
    for (patch, code) in patches {
      let answer = try await api.send(.PATCH, collection + "/a", patch, type: "application/merge-patch+json")
      #expect(answer.code == code, "\(patch)")
    }
  }

  @Test func aTestedJSONPatchDivertsAService() async throws {
    let api = try await APIHarness()
    try await api.send(.POST, Sample.services, Sample.service("web"))
    let patch: JSONValue = [
      ["op": "test", "path": "/spec/selector", "value": ["app": "web"]],
      ["op": "add", "path": "/spec/selector/devtunnel.dev~1agent", "value": "web"],
    ]
    let path = Sample.services + "/web?fieldManager=devtunnel"
    let first = try await api.send(.PATCH, path, patch, type: "application/json-patch+json")
    #expect(first.object[path: "spec", "selector"] == ["app": "web", "devtunnel.dev/agent": "web"])
    let entry = first.object[path: "metadata", "managedFields"]?.elements.first { $0["manager"] == "devtunnel" }
    #expect(entry?[path: "fieldsV1", "f:spec", "f:selector"] != nil)
    #expect(try await api.send(.PATCH, path, patch, type: "application/json-patch+json").code == 422)
  }

  @Test func statusAndSpecAreWrittenApart() async throws {
    let api = try await APIHarness()
    try await api.send(.POST, Sample.pods, Sample.pod("a"))
    let both: JSONValue = ["metadata": ["labels": ["new": "x"]], "status": ["phase": "Running"]]
    let main = try await api.send(.PATCH, Sample.pods + "/a", both, type: "application/strategic-merge-patch+json")
    #expect(main.object[path: "status", "phase"] == "Pending")
    let status = try await api.send(
      .PATCH, Sample.pods + "/a/status", both, type: "application/strategic-merge-patch+json")
    #expect(status.object[path: "status", "phase"] == "Running")
    #expect(status.object[path: "metadata", "labels", "new"] == "x")
  }

  @Test func dryRunStoresNothing() async throws {
    let api = try await APIHarness()
    #expect(try await api.send(.POST, Sample.pods + "?dryRun=All", Sample.pod("a")).code == 201)
    #expect(try await api.send(.GET, Sample.pods + "/a").code == 404)
    try await api.send(.POST, Sample.pods, Sample.pod("a"))
    #expect(try await api.send(.DELETE, Sample.pods + "/a?dryRun=All").code == 200)
    #expect(try await api.send(.GET, Sample.pods + "/a").code == 200)
  }

  @Test func scaleIsItsOwnObject() async throws {
    let api = try await APIHarness()
    try await api.send(.POST, Sample.deployments, Sample.deployment("web"))
    let scaled = try await api.send(
      .PATCH, Sample.deployments + "/web/scale", ["spec": ["replicas": 7]], type: "application/merge-patch+json")
    #expect(scaled.object["kind"] == "Scale")
    #expect(scaled.object[path: "status", "selector"] == "app=web")
    #expect(try await api.send(.GET, Sample.deployments + "/web").object[path: "spec", "replicas"] == 7)
  }

  @Test func listsPageThroughEverything() async throws {
    let api = try await APIHarness()
    for number in 0..<5 { try await api.send(.POST, Sample.pods, Sample.pod("p\(number)")) }
    var names: [String] = []
    var token = ""
    repeat {
      let page = try await api.send(.GET, Sample.pods + "?limit=2&continue=\(token)").object
      names += (page["items"]?.elements ?? []).map(\.name)
      token = page[path: "metadata", "continue"]?.stringValue ?? ""
    } while !token.isEmpty
    #expect(names == ["p0", "p1", "p2", "p3", "p4"])
  }

  @Test func tablesHaveRows() async throws {
    let api = try await APIHarness()
    try await api.send(.POST, Sample.pods, Sample.pod("a"))
    let table = try await api.send(
      .GET, Sample.pods, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    ).object
    #expect(table["kind"] == "Table")
    #expect(table["rows"]?[0]?["cells"]?.elements.prefix(4) == ["a", "0/1", "Pending", "0"])
  }

  @Test func unknownMediaTypesAndPathsAreRefused() async throws {
    let api = try await APIHarness()
    #expect(try await api.send(.PATCH, Sample.pods + "/a", [:], type: "text/plain").code == 415)
    #expect(try await api.send(.GET, "/apis/example.com/v1/things").code == 404)
    #expect(try await api.send(.POST, Sample.pods + "/a", [:]).code == 405)
  }
}
