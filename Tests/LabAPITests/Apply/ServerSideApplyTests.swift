import KubeObjects
import NIOHTTP1
import Testing

@testable import LabAPI

/// The expected values are the answers of Kubernetes 1.36 to the same requests.
@Suite struct ServerSideApplyTests {
  private static let configMaps = "/api/v1/namespaces/default/configmaps"

  private let api: APIHarness
  init() async throws { api = try await APIHarness() }

  @discardableResult
  private func apply(_ path: String, _ object: JSONValue, by manager: String, _ options: String = "") async throws -> (
    code: Int, object: JSONValue
  ) {
    try await api.send(
      .PATCH, "\(path)/\(object.name)?fieldManager=\(manager)\(options)", object, type: APIServer.applyType)
  }

  private func configMap(_ data: JSONValue?) -> JSONValue {
    var object: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "c"]]
    object["data"] = data
    return object
  }

  /// `manager operation` to the fields.
  private func owners(_ object: JSONValue) -> [String: JSONValue] {
    Dictionary(
      (object[path: "metadata", "managedFields"]?.elements ?? []).map {
        ("\($0["manager"]?.stringValue ?? "") \($0["operation"]?.stringValue ?? "")", $0["fieldsV1"] ?? [:])
      }, uniquingKeysWith: { $1 })
  }

  @Test func sharedFieldsStayUntilTheLastOwnerLeaves() async throws {
    #expect(try await apply(Self.configMaps, configMap(["a": "1", "b": "2"]), by: "one").code == 201)
    #expect(try await apply(Self.configMaps, configMap(["a": "1", "c": "3"]), by: "two").code == 200)
    var object = try await apply(Self.configMaps, configMap([:]), by: "one").object
    #expect(object["data"] == ["a": "1", "c": "3"])
    #expect(owners(object) == ["one Apply": ["f:data": [:]], "two Apply": ["f:data": ["f:a": [:], "f:c": [:]]]])

    object = try await api.send(
      .PATCH, Self.configMaps + "/c", ["data": ["a": "9", "u": "1"]], type: "application/merge-patch+json"
    ).object
    #expect(owners(object)["two Apply"] == ["f:data": ["f:c": [:]]])
    #expect(owners(object)["tests Update"] == ["f:data": ["f:a": [:], "f:u": [:]]])
    object = try await apply(Self.configMaps, configMap(["a": "1"]), by: "one", "&force=true").object
    #expect(
      owners(object) == [
        "one Apply": ["f:data": ["f:a": [:]]], "two Apply": ["f:data": ["f:c": [:]]],
        "tests Update": ["f:data": ["f:u": [:]]],
      ])
    object = try await apply(Self.configMaps, configMap(nil), by: "two").object
    #expect(object["data"] == ["a": "1", "u": "1"])
    object = try await apply(Self.configMaps, configMap(nil), by: "one").object
    #expect(owners(object) == ["tests Update": ["f:data": ["f:u": [:]]]])
    #expect(object["data"] == ["u": "1"])
  }

  @Test func conflictsAreToldInKubernetesWords() async throws {
    try await apply(Self.configMaps, configMap(["c": "3"]), by: "two")
    try await api.send(
      .PATCH, Self.configMaps + "/c", ["data": ["a": "9", "u": "1"]], type: "application/merge-patch+json")
    var answer = try await apply(Self.configMaps, configMap(["a": "1"]), by: "one")
    #expect(answer.code == 409 && answer.object["reason"] == "Conflict")
    #expect(answer.object["message"] == "Apply failed with 1 conflict: conflict with \"tests\" using v1: .data.a")
    answer = try await apply(Self.configMaps, configMap(["a": "1", "c": "4", "u": "2"]), by: "one")
    #expect(
      answer.object["message"]
        == """
        Apply failed with 3 conflicts: conflicts with "tests" using v1:
        - .data.a
        - .data.u
        conflicts with "two":
        - .data.c
        """
    )
    #expect(
      answer.object[path: "details", "causes"]?[0] == [
        "reason": "FieldManagerConflict", "message": "conflict with \"tests\" using v1", "field": ".data.a",
      ])
    #expect(try await api.send(.GET, Self.configMaps + "/c").object["data"] == ["a": "9", "c": "3", "u": "1"])
    // The same value is no conflict: the field gets a second owner.
    #expect(try await apply(Self.configMaps, configMap(["a": "9"]), by: "one").code == 200)
  }

  @Test func whatChangesNothingWritesNothing() async throws {
    let first = try await apply(Sample.deployments, Sample.deployment("web"), by: "one").object
    let again = try await apply(Sample.deployments, Sample.deployment("web"), by: "one").object
    #expect(again == first)
    let shared = try await apply(Sample.deployments, Sample.deployment("web"), by: "two").object
    #expect(shared.resourceVersion != first.resourceVersion && shared[path: "metadata", "generation"] == 1)
    // stringData becomes data, which an apply of the same does not change either.
    let secret: JSONValue = ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s"], "stringData": ["a": "x"]]
    let stored = try await apply("/api/v1/namespaces/default/secrets", secret, by: "one").object
    #expect(stored["data"] == ["a": "eA=="] && owners(stored) == ["one Apply": ["f:stringData": ["f:a": [:]]]])
    #expect(try await apply("/api/v1/namespaces/default/secrets", secret, by: "one").object == stored)
  }

  @Test func aDryRunIsNotStored() async throws {
    #expect(try await apply(Self.configMaps, configMap(["a": "1"]), by: "one", "&dryRun=All").code == 201)
    #expect(try await api.send(.GET, Self.configMaps + "/c").code == 404)
    let stored = try await apply(Self.configMaps, configMap(["a": "1"]), by: "one").object
    #expect(
      try await apply(Self.configMaps, configMap(["a": "2"]), by: "one", "&dryRun=All").object["data"] == ["a": "2"])
    #expect(try await api.send(.GET, Self.configMaps + "/c").object == stored)
  }

  private func deployment(containers: JSONValue) -> JSONValue {
    var object = Sample.deployment("web")
    object[path: "spec", "template", "spec", "containers"] = containers
    return object
  }

  private func containers(_ object: JSONValue) -> [JSONValue] {
    object[path: "spec", "template", "spec", "containers"]?.elements ?? []
  }

  @Test func listsMergeByTheirKeys() async throws {
    let probe: JSONValue = ["name": "main", "image": "web:1", "livenessProbe": ["httpGet": ["port": 80]]]
    let side: JSONValue = [
      "name": "side", "image": "s:1", "ports": [["containerPort": 80], ["containerPort": 80, "protocol": "UDP"]],
    ]
    var object = try await apply(Sample.deployments, deployment(containers: [probe, side]), by: "one").object
    #expect(containers(object).map { $0["name"] } == ["main", "side"])
    #expect(containers(object)[1]["ports"]?.elements.count == 2)
    // Another manager's variable in the same container; what it leaves out stays.
    let variable: JSONValue = ["name": "main", "env": [["name": "A", "value": "b"]]]
    var partial: JSONValue = ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"]]
    partial[path: "spec", "template", "spec", "containers"] = [variable]
    object = try await apply(Sample.deployments, partial, by: "two").object
    #expect(containers(object)[0]["image"] == "web:1" && containers(object)[0]["env"]?[0]?["value"] == "b")
    // Without the probe its defaults go too; without the container all of it; the other's variable stays.
    object = try await apply(
      Sample.deployments, deployment(containers: [["name": "main", "image": "web:2"]]), by: "one"
    ).object
    #expect(
      containers(object).count == 1 && containers(object)[0]["livenessProbe"] == nil
        && containers(object)[0]["env"] != nil)
    let answer = try await apply(
      Sample.deployments, deployment(containers: [["name": "main", "image": "web:9"]]), by: "two")
    #expect(
      answer.object["message"]
        == "Apply failed with 1 conflict: conflict with \"one\": .spec.template.spec.containers[name=\"main\"].image")
  }

  @Test func setsKeepEveryManagersValues() async throws {
    func object(_ finalizers: JSONValue) -> JSONValue {
      ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "c", "finalizers": finalizers]]
    }
    try await apply(Self.configMaps, object(["a/x", "a/y"]), by: "one")
    try await apply(Self.configMaps, object(["a/z"]), by: "two")
    let stored = try await apply(Self.configMaps, object(["a/y"]), by: "one").object
    #expect(Set(stored.finalizers) == ["a/y", "a/z"])
    #expect(owners(stored)["two Apply"] == ["f:metadata": ["f:finalizers": ["v:\"a/z\"": [:]]]])
  }

  @Test func scaleAndCreateAreOwnersToo() async throws {
    var object = try await api.send(.POST, Sample.deployments, Sample.deployment("web")).object
    #expect(owners(object)["tests Update"]?[path: "f:spec", "f:selector"] == [:])
    try await api.send(
      .PATCH, Sample.deployments + "/web/scale", ["spec": ["replicas": 5]], type: "application/merge-patch+json")
    var wanted = Sample.deployment("web", replicas: 3)
    let answer = try await apply(Sample.deployments, wanted, by: "one")
    #expect(
      answer.object["message"]
        == """
        Apply failed with 1 conflict: conflict with "tests" with subresource "scale" using apps/v1: .spec.replicas
        """
    )
    wanted[path: "spec", "replicas"] = nil
    object = try await apply(Sample.deployments, wanted, by: "one").object
    #expect(object[path: "spec", "replicas"] == 5)
  }

  /// kubectl does this to an object that it had applied from the client's side.
  @Test func managersMayBeHandedIn() async throws {
    var object = try await api.send(.POST, Sample.deployments, Sample.deployment("web")).object
    var entry = try #require(object[path: "metadata", "managedFields"]?[0])
    entry["manager"] = "kubectl"
    entry["operation"] = "Apply"
    let patch: JSONValue = [["op": "replace", "path": "/metadata/managedFields", "value": [entry]]]
    object = try await api.send(.PATCH, Sample.deployments + "/web", patch, type: "application/json-patch+json").object
    #expect(Array(owners(object).keys) == ["kubectl Apply"])
    var wanted = Sample.deployment("web", image: "web:2")
    wanted[path: "spec", "replicas"] = nil
    object = try await apply(Sample.deployments, wanted, by: "kubectl").object
    #expect(containers(object)[0]["image"] == "web:2" && object[path: "spec", "replicas"] == 1)
  }

  @Test(arguments: [
    (
      "", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: e}", 422,
      "fieldManager: Required value: is required for apply patch"
    ),
    ("?fieldManager=x", "kind: ConfigMap", 400, "invalid object type: /, Kind=ConfigMap"),
    ("?fieldManager=x", "{apiVersion: v1, kind: Secret}", 400, "invalid object type: /v1, Kind=Secret"),
    (
      "?fieldManager=x", "{apiVersion: v1, kind: ConfigMap}", 400,
      "(e based on URL) was undeterminable: name must be provided"
    ),
    (
      "?fieldManager=x", "{apiVersion: v1, kind: ConfigMap, metadata: {name: f}}", 400,
      "(f) does not match the name on the URL (e)"
    ),
    (
      "?fieldManager=x", "{apiVersion: v1, kind: ConfigMap, metadata: {name: e, managedFields: [{manager: x}]}}", 400,
      "metadata.managedFields must be nil"
    ),
    (
      "?fieldManager=x", "{apiVersion: v1, kind: ConfigMap, metadata: {name: e, resourceVersion: '7'}}", 409,
      "the object has been modified"
    ),
    ("?fieldManager=x", "{a: b: c", 400, "error decoding YAML"),
    ("?fieldManager=x", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: e}\ndata: {a: 'yes'}", 201, ""),
  ]) func whatIsRefused(query: String, body: String, code: Int, message: String) async throws {
    var head = HTTPRequestHead(version: .http1_1, method: .PATCH, uri: "\(Self.configMaps)/e\(query)")
    head.headers.add(name: "content-type", value: APIServer.applyType)
    let request = APIRequest(
      head: head, body: Array(body.utf8),
      user: UserInfo(name: "tester", groups: ["system:masters", "system:authenticated"]))
    let response = await api.server.respond(to: request)
    guard case .bytes(let bytes) = response.body else { return #expect(Bool(false)) }
    let answer = try JSONValue(parsing: bytes)
    #expect(response.code == code, "\(answer)")
    #expect(message.isEmpty || answer["message"]?.stringValue?.contains(message) == true, "\(answer)")
  }

  @Test func ambiguousElementsAreRefused() async throws {
    var answer = try await apply(Sample.deployments, deployment(containers: [["image": "x"]]), by: "x")
    #expect(
      answer.object["message"]?.stringValue?.contains("omits key field \"name\" (and doesn't have default value)")
        == true)
    answer = try await apply(Sample.deployments, deployment(containers: [["name": "a"], ["name": "a"]]), by: "x")
    #expect(
      answer.object["message"]?.stringValue?.contains(".containers: duplicate entries for key [name=\"a\"]") == true)
  }

  /// Applying what is not there yet is creating it.
  @Test func creatingNeedsTheRightToIt() async throws {
    let role: JSONValue = [
      "metadata": ["name": "patcher"], "rules": [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]]],
    ]
    try await api.send(.POST, "/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
    let binding: JSONValue = [
      "metadata": ["name": "patcher"], "roleRef": ["kind": "ClusterRole", "name": "patcher"],
      "subjects": [["kind": "User", "name": "p"]],
    ]
    try await api.send(.POST, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    let user = UserInfo(name: "p", groups: ["system:authenticated"])
    let path = Self.configMaps + "/c?fieldManager=p"
    let answer = try await api.send(.PATCH, path, configMap([:]), type: APIServer.applyType, user: user)
    #expect(
      answer.code == 403
        && answer.object["message"]?.stringValue?.contains("cannot create resource \"configmaps\"") == true)
    try await api.send(.POST, Self.configMaps, configMap([:]))
    #expect(try await api.send(.PATCH, path, configMap([:]), type: APIServer.applyType, user: user).code == 200)
  }
}
