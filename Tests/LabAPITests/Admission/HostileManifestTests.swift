import KubeObjects
import Testing

@testable import LabAPI

/// Names, paths and numbers that would become directories, files and sums of the lab's root process.
@Suite struct HostileManifestTests {
  /// A change of a Pod's spec, and the field that is to blame for it.
  struct Attack: Sendable, CustomTestStringConvertible {
    let field: String
    let path: [String]
    let value: JSONValue
    init(_ field: String, _ path: String..., value: JSONValue) {
      (self.field, self.path, self.value) = (field, path, value)
    }
    var testDescription: String { "\(field): \(value)" }
  }

  static let volumes: [Attack] =
    [
      "../../../../../etc/cron.d", "..", ".", "a/b", "/etc", "Upper", "a.b", "-a", "", "a\0b",
      String(repeating: "a", count: 64),
    ].map { name in
      Attack("volumes[0].name", "volumes", value: [["name": .string(name), "emptyDir": [:]]])
    } + [
      Attack("volumes[1].name", "volumes", value: [["name": "v", "emptyDir": [:]], ["name": "v", "emptyDir": [:]]]),
      Attack("volumes[0].emptyDir", "volumes", value: [["name": "v", "emptyDir": [:], "configMap": ["name": "c"]]]),
    ]
    + ["../x", "/etc/x", "a/../../x", "..x", "", "../\u{301}x"].flatMap { path -> [Attack] in
      let item: JSONValue = [["key": "k", "path": .string(path)]]
      return [
        Attack(
          "volumes[0].configMap.items[0].path", "volumes",
          value: [["name": "v", "configMap": ["name": "c", "items": item]]]),
        Attack(
          "volumes[0].projected.sources[0].secret.items[0].path", "volumes",
          value: [["name": "v", "projected": ["sources": [["secret": ["name": "c", "items": item]]]]]]),
        Attack(
          "volumes[0].projected.sources[0].serviceAccountToken.path", "volumes",
          value: [["name": "v", "projected": ["sources": [["serviceAccountToken": ["path": .string(path)]]]]]]),
      ]
    }
    + [
      Attack(
        "volumes[0].secret.defaultMode", "volumes",
        value: [["name": "v", "secret": ["secretName": "s", "defaultMode": 0o1000]]])
    ]

  static let numbers: [Attack] = [
    Attack("terminationGracePeriodSeconds", "terminationGracePeriodSeconds", value: -1),
    Attack("terminationGracePeriodSeconds", "terminationGracePeriodSeconds", value: JSONValue(Int.max)),
    Attack("securityContext.runAsUser", "securityContext", "runAsUser", value: 4_294_967_296),
    Attack("securityContext.fsGroup", "securityContext", "fsGroup", value: -1),
    Attack("securityContext.supplementalGroups[0]", "securityContext", "supplementalGroups", value: [-5]),
    Attack("hostname", "hostname", value: "a\nb"), Attack("subdomain", "subdomain", value: "../x"),
    Attack(
      "securityContext.sysctls[0].name", "securityContext", "sysctls", value: [["name": "net/../x", "value": "1"]]),
  ]

  static let containers: [Attack] = [
    Attack("resources.limits[memory]", "resources", "limits", value: ["memory": "1e"]),
    Attack("resources.limits[memory]", "resources", "limits", value: ["memory": "nan"]),
    Attack("resources.limits[memory]", "resources", "limits", value: ["memory": "0x10"]),
    Attack("resources.requests[cpu]", "resources", "requests", value: ["cpu": "-1"]),
    Attack("livenessProbe.periodSeconds", "livenessProbe", "periodSeconds", value: JSONValue(Int.max)),
    Attack("readinessProbe.initialDelaySeconds", "readinessProbe", "initialDelaySeconds", value: -1),
    Attack("lifecycle.preStop.sleep.seconds", "lifecycle", "preStop", "sleep", "seconds", value: JSONValue(Int.min)),
    Attack("securityContext.runAsGroup", "securityContext", "runAsGroup", value: 2_147_483_648),
    Attack("volumeMounts[0].mountPath", "volumeMounts", value: [["name": "v"]]),
    Attack("volumeMounts[0].subPath", "volumeMounts", value: [["name": "v", "mountPath": "/m", "subPath": "../x"]]),
    Attack("volumeMounts[0].subPath", "volumeMounts", value: [["name": "v", "mountPath": "/m", "subPath": "/x"]]),
    Attack(
      "volumeMounts[0].subPathExpr", "volumeMounts",
      value: [["name": "v", "mountPath": "/m", "subPathExpr": "a/../../x"]]),
    Attack("name", "name", value: "../x"),
  ]

  private func set(_ object: inout JSONValue, _ path: ArraySlice<String>, _ value: JSONValue) {
    guard let key = path.first else {
      object = value
      return
    }
    var member = object[key] ?? .object([:])
    set(&member, path.dropFirst(), value)
    object[key] = member
  }

  private func expectRefusal(_ spec: JSONValue, _ field: String) async throws {
    let api = try await APIHarness()
    var pod = Sample.pod("a")
    pod["spec"] = spec
    var answer = try await api.send(.POST, Sample.pods, pod)
    #expect(answer.code == 422 && answer.object["reason"] == "Invalid", "\(answer)")
    #expect(answer.object[path: "details", "causes"]?[0]?["field"]?.stringValue == "spec." + field, "\(answer)")
    var deployment = Sample.deployment("web")
    set(&deployment, ["spec", "template", "spec"], spec)
    answer = try await api.send(.POST, Sample.deployments, deployment)
    #expect(answer.code == 422, "\(answer)")
    #expect(
      answer.object[path: "details", "causes"]?[0]?["field"]?.stringValue == "spec.template.spec." + field, "\(answer)")
  }

  @Test(arguments: volumes + numbers) func aPodIsRefused(attack: Attack) async throws {
    var spec = Sample.pod("a")["spec"] ?? [:]
    set(&spec, attack.path[...], attack.value)
    try await expectRefusal(spec, attack.field)
  }

  @Test(arguments: containers) func aContainerIsRefused(attack: Attack) async throws {
    var container: JSONValue = ["name": "main", "image": "web:1"]
    set(&container, attack.path[...], attack.value)
    let spec: JSONValue = ["containers": [container], "volumes": [["name": "v", "emptyDir": [:]]]]
    try await expectRefusal(spec, "containers[0]." + attack.field)
  }

  @Test func whatKubernetesTakesIsTaken() async throws {
    let api = try await APIHarness()
    var pod = Sample.pod("a")
    pod["spec"] = [
      "containers": [
        [
          "name": "main", "image": "web:1",
          "resources": ["limits": ["memory": "1.5Gi", "cpu": "250m"], "requests": ["memory": "1e3", "cpu": 1]],
          "volumeMounts": [
            ["name": "v", "mountPath": "/m", "subPath": "a/..b/c"],
            ["name": "v", "mountPath": "/n", "subPathExpr": "$(A)"],
          ],
          "livenessProbe": ["exec": ["command": ["true"]], "periodSeconds": 10],
          "securityContext": ["runAsUser": 2_147_483_647],
        ]
      ],
      "volumes": [
        ["name": "v", "emptyDir": [:]],
        ["name": "m", "configMap": ["name": "c", "defaultMode": 0o444, "items": [["key": "k", "path": "a/b..c"]]]],
      ],
      "hostname": "h", "securityContext": ["sysctls": [["name": "net.ipv4.ip_unprivileged_port_start", "value": "0"]]],
    ]
    let answer = try await api.send(.POST, Sample.pods, pod)
    #expect(answer.code == 201, "\(answer)")
  }

  @Test(arguments: ["..data", "..", ".", "a/b", "", "\u{301}"]) func aKeyIsAFilesName(key: String) async throws {
    let api = try await APIHarness()
    let map: JSONValue = ["metadata": ["name": "c"], "data": .object([key: "x"])]
    let answer = try await api.send(.POST, "/api/v1/namespaces/default/configmaps", map)
    #expect(answer.code == 422, "\(answer)")
  }

  // MARK: Numbers of controllers and requests

  @Test(
    arguments: [
      ("replicas", JSONValue(Int.max)), ("minReadySeconds", JSONValue(Int.max)),
      ("progressDeadlineSeconds", JSONValue(Int.max)), ("revisionHistoryLimit", JSONValue(Int.min)),
      (
        "strategy",
        ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": "9223372036854775807%", "maxUnavailable": 0]]
      ),
    ] as [(String, JSONValue)]) func aDeploymentsNumbersHaveARange(field: String, value: JSONValue) async throws
  {
    let api = try await APIHarness()
    var deployment = Sample.deployment("web")
    set(&deployment, ["spec", field], value)
    let answer = try await api.send(.POST, Sample.deployments, deployment)
    #expect(answer.code == 422, "\(answer)")
    // An object may be older than the check, or be written as a status.
    _ = RolloutLimits(deployment)
    _ = Rollout.status(["status": ["replicas": JSONValue(Int.min)]], "replicas")
  }

  @Test(arguments: ["limitBytes=-5", "tailLines=-1", "sinceSeconds=-9223372036854775808"])
  func aLogsNumbersHaveARange(query: String) async throws {
    let api = try await APIHarness()
    try await api.send(.POST, Sample.pods, Sample.pod("a"))
    let answer = try await api.send(.GET, Sample.pods + "/a/log?" + query)
    #expect(answer.code == 422, "\(answer)")
  }

  @Test func namesThatDNSAnswersWithAreNames() async throws {
    let api = try await APIHarness()
    let long = String(repeating: "a", count: 300)
    for name in [long, "a..b", "Upper", "a b"] {
      var service = Sample.service("web")
      service["spec"] = ["type": "ExternalName", "externalName": .string(name)]
      let answer = try await api.send(.POST, Sample.services, service)
      #expect(answer.object[path: "details", "causes"]?[0]?["field"] == "spec.externalName", "\(answer)")
    }
    var service = Sample.service("web")
    service["spec"] = ["type": "ExternalName", "externalName": "example.com."]
    #expect(try await api.send(.POST, Sample.services, service).code == 201)
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    for (field, slice) in [
      ("endpoints[0].hostname", ["endpoints": [["addresses": ["10.0.0.1"], "hostname": .string(long)]]]),
      ("ports[0].name", ["ports": [["name": .string(long), "port": 80]]]),
      ("ports[0].port", ["ports": [["port": 70000]]]),
    ] as [(String, JSONValue)] {
      var slice = slice
      slice["metadata"] = ["name": "s"]
      slice["addressType"] = "IPv4"
      let answer = try await api.send(.POST, slices, slice)
      #expect(answer.code == 422, "\(answer)")
      #expect(answer.object[path: "details", "causes"]?[0]?["field"] == .string(field), "\(answer)")
    }
  }

  // MARK: Patches that grow

  @Test func copiesOfCopiesAreRefused() async throws {
    let api = try await APIHarness()
    let text = JSONValue.string(String(repeating: "x", count: 1000))
    let map: JSONValue = ["metadata": ["name": "c"], "data": ["a": text]]
    try await api.send(.POST, "/api/v1/namespaces/default/configmaps", map)
    let patch = (0..<14).map { number -> JSONValue in
      ["op": "copy", "from": "/metadata/annotations", "path": .string("/metadata/annotations/x\(number)")]
    }
    let first: JSONValue = ["op": "add", "path": "/metadata/annotations", "value": ["a": text]]
    let answer = try await api.send(
      .PATCH, "/api/v1/namespaces/default/configmaps/c", JSONValue([first] + patch),
      type: "application/json-patch+json")
    #expect(answer.code == 413, "\(answer.code)")
    let many = JSONValue(Array(repeating: ["op": "remove", "path": "/x"] as JSONValue, count: 10_001))
    #expect(
      try await api.send(
        .PATCH, "/api/v1/namespaces/default/configmaps/c", many, type: "application/json-patch+json"
      ).code == 413)
  }

  @Test func aliasesOfAliasesAreRefused() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...4 {
      text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    let error = #expect(throws: StatusError.self) { try APIServer.yaml(text) }
    #expect(error?.code == 400 && error?.message.contains("its aliases make more") == true)
    #expect(try APIServer.yaml("a: &a {b: 1}\nc: *a\nd: *a\n") == ["a": ["b": 1], "c": ["b": 1], "d": ["b": 1]])
  }

  @Test func aKeyThatAppearsTwiceIsRefusedWithItsLine() {
    let error = #expect(throws: StatusError.self) { try APIServer.yaml("a: 1\nb: {c: 2}\na: 3\n") }
    #expect(error?.code == 400 && error?.message.hasSuffix("yaml: line 3: key \"a\" already set in map") == true)
  }

  @Test func plainWordsHaveTheTypesOfAManifest() throws {
    #expect(
      try APIServer.yaml("a: [~, yes, 010, 1e3, '1', !!str 1]\n---\na: 2")
        == ["a": [nil, true, 8, 1000, "1", "1"]])
  }
}
