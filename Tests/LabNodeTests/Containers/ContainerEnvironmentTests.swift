import KubeObjects
import LabStore
import Testing

@testable import LabNode

struct ContainerEnvironmentTests {
  @Test(arguments: [
    ("500m", "1", 1), ("500m", "1m", 500), ("64Mi", "1Mi", 64), ("1.5Gi", "1", 1_610_612_736), ("2", "1", 2),
    ("1e3", "1", 1000),
  ])
  func quantities(amount: String, divisor: String, expected: Int64) {
    #expect(Quantity(amount)!.divided(by: Quantity(divisor)!) == expected)
  }

  static func pod(_ spec: JSONValue = [:]) -> PodReference {
    let object: JSONValue = [
      "metadata": [
        "name": "web-1", "namespace": "shop", "uid": "u1", "labels": ["app": "web"], "annotations": ["a/b": "c\"d"],
      ], "spec": spec,
    ]
    return PodReference(
      object: object, address: IPv4Address("10.97.0.5"), hostAddress: IPv4Address("10.97.0.1")!, nodeName: "lab")
  }

  private func store() async throws -> ObjectStore {
    let store = ObjectStore()
    _ = try await store.create(
      .configMaps,
      [
        "kind": "ConfigMap", "metadata": ["name": "settings", "namespace": "shop"],
        "data": ["LEVEL": "info", "SHARED": "map"],
      ])
    _ = try await store.create(
      .secrets,
      [
        "kind": "Secret", "metadata": ["name": "keys", "namespace": "shop"],
        "data": ["password": "aHVudGVyMg==", "SHARED": "eA=="],
      ])
    return store
  }

  @Test func references() async throws {
    let container: JSONValue = [
      "resources": ["limits": ["memory": "64Mi"]],
      "envFrom": [
        ["configMapRef": ["name": "settings"]], ["prefix": "S_", "secretRef": ["name": "keys"]],
        ["configMapRef": ["name": "gone", "optional": true]],
      ],
      "env": [
        ["name": "LEVEL", "value": "debug"], ["name": "COPY", "value": "$(LEVEL)/$(S_SHARED)/$(NOT)"],
        ["name": "PASSWORD", "valueFrom": ["secretKeyRef": ["name": "keys", "key": "password"]]],
        ["name": "NOTHING", "valueFrom": ["configMapKeyRef": ["name": "settings", "key": "no", "optional": true]]],
        ["name": "IP", "valueFrom": ["fieldRef": ["fieldPath": "status.podIP"]]],
        ["name": "APP", "valueFrom": ["fieldRef": ["fieldPath": "metadata.labels['app']"]]],
        ["name": "MEMORY", "valueFrom": ["resourceFieldRef": ["resource": "limits.memory", "divisor": "1Mi"]]],
      ],
    ]
    let variables = try await ContainerEnvironment(store: try store(), pod: Self.pod()).variables(of: container)
    let values = Dictionary(uniqueKeysWithValues: variables.map { ($0.name, $0.value) })
    #expect(
      values == [
        "LEVEL": "debug", "SHARED": "map", "S_password": "hunter2", "S_SHARED": "x", "COPY": "debug/x/$(NOT)",
        "PASSWORD": "hunter2",
        "IP": "10.97.0.5",
        "APP": "web", "MEMORY": "64",
      ])
  }

  @Test func missingReferencesSayWhich() async throws {
    let environment = ContainerEnvironment(store: try await store(), pod: Self.pod())
    await #expect(throws: LabNodeError(.containerConfig, "configmap \"gone\" not found")) {
      _ = try await environment.variables(of: ["envFrom": [["configMapRef": ["name": "gone"]]]])
    }
    await #expect(throws: LabNodeError(.containerConfig, "couldn't find key k in Secret shop/keys")) {
      _ = try await environment.variables(of: [
        "env": [["name": "X", "valueFrom": ["secretKeyRef": ["name": "keys", "key": "k"]]]]
      ])
    }
  }

  /// Thirty variables of which each is twice the one before, as in an attack: a gigabyte, out of a kilobyte.
  private static let doubling: [JSONValue] =
    [["name": "V0", "value": .string(String(repeating: "x", count: 64))]]
    + (1...30).map { ["name": .string("V\($0)"), "value": .string("$(V\($0 - 1))$(V\($0 - 1))")] }

  @Test(
    "Variables that double one another end with an error, and not with the machine's memory", .timeLimit(.minutes(1)))
  func doubling() async throws {
    let environment = ContainerEnvironment(store: ObjectStore(), pod: Self.pod())
    await #expect(
      throws: LabNodeError(.containerConfig, "the variable V12 is longer than 128 KiB: no process can be given that")
    ) {
      _ = try await environment.variables(of: ["env": .array(Self.doubling)])
    }
    // The longest that a process can be given is no attack.
    let allowed = try await environment.variables(of: ["env": .array(Array(Self.doubling.prefix(12)))])
    #expect(allowed.last?.value.utf8.count == 128 << 10)
    let wide: [JSONValue] = (0..<40).map { ["name": .string("W\($0)"), "value": "$(V11)"] }
    await #expect(
      throws: LabNodeError(
        .containerConfig, "the variable W14 makes more than 2 MiB with those before it: no process can be given that")
    ) {
      _ = try await environment.variables(of: ["env": .array(Array(Self.doubling.prefix(12)) + wide)])
    }
  }

  @Test("A variable that is set again counts once")
  func repeated() async throws {
    let environment = ContainerEnvironment(store: ObjectStore(), pod: Self.pod())
    let long = String(repeating: "x", count: 100 << 10)
    let same: [JSONValue] = (0..<40).map { _ in ["name": "A", "value": .string(long)] }
    #expect(try await environment.variables(of: ["env": .array(same)]).map(\.value) == [long])
  }

  @Test("One long variable in many arguments ends with an error", .timeLimit(.minutes(1)))
  func manyArguments() throws {
    let long = ["V": String(repeating: "x", count: 100 << 10)]
    let image = Image(identifier: "i")
    func arguments(_ key: String, _ texts: [String]) throws -> [String] {
      var container: JSONValue = ["command": ["/x"]]
      container[key] = .array(texts.map { .string($0) })
      return try ContainerStarter.arguments(container, image, long)
    }
    #expect(try arguments("command", ["/x", "$(V)"]).last?.utf8.count == 100 << 10)
    for key in ["command", "args"] {
      for texts in [["$(V)$(V)"], Array(repeating: "$(V)", count: 10_000)] {
        #expect(
          throws: LabNodeError(.containerConfig, "\(key) is longer than a process can be given, with its variables")
        ) { try arguments(key, texts) }
      }
    }
  }

  @Test func fields() throws {
    #expect(try FieldReference.value("metadata.annotations", of: Self.pod()) == #"a/b="c\"d""#)
    #expect(try FieldReference.value("spec.serviceAccountName", of: Self.pod()) == "default")
    #expect(throws: LabNodeError.self) { try FieldReference.value("spec.containers", of: Self.pod()) }
  }
}
