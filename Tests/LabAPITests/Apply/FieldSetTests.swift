import KubeObjects
import Testing

@testable import LabAPI

@Suite struct FieldSetTests {
  /// As Kubernetes 1.36 writes it for the same object.
  @Test func fieldsOfADeployment() throws {
    let object: JSONValue = [
      "metadata": ["annotations": ["note": "one"], "labels": ["app": "web"]],
      "spec": [
        "replicas": 0, "selector": ["matchLabels": ["app": "web"]],
        "template": [
          "metadata": ["labels": ["app": "web"]],
          "spec": [
            "containers": [
              [
                "name": "main", "image": "web:1", "command": ["sh", "-c", "x"],
                "ports": [["containerPort": 80, "name": "http"], ["containerPort": 53, "protocol": "UDP"]],
                "env": [["name": "A", "value": "b"]], "resources": ["limits": ["memory": "64Mi"]],
                "volumeMounts": [["name": "v", "mountPath": "/v"]],
              ]
            ],
            "volumes": [["name": "v", "emptyDir": [:]]], "imagePullSecrets": [["name": "x"]],
            "tolerations": [["key": "a", "operator": "Exists"]],
          ],
        ],
      ],
    ]
    let expected = try JSONValue(
      parsing: #"""
        {"f:metadata":{"f:annotations":{"f:note":{}},"f:labels":{"f:app":{}}},
        "f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},
                "f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{".":{},"f:command":{},
        "f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:name":{},
        "f:ports":{"k:{\"containerPort\":53,\"protocol\":\"UDP\"}":{".":{},"f:containerPort":{},"f:protocol":{}},
        "k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{}}},
        "f:resources":{"f:limits":{"f:memory":{}}},
        "f:volumeMounts":{"k:{\"mountPath\":\"/v\"}":{".":{},"f:mountPath":{},"f:name":{}}}}},
        "f:imagePullSecrets":{"k:{\"name\":\"x\"}":{}},
        "f:tolerations":{},"f:volumes":{"k:{\"name\":\"v\"}":{".":{},"f:emptyDir":{},"f:name":{}}}}}}}
        """#)
    let fields = FieldSet(of: object, MergeSchema.schema(for: .deployment))
    #expect(fields.fieldsV1 == expected)
    #expect(FieldSet(fieldsV1: expected) == fields)
  }

  @Test func pathsAreWrittenAsInMessages() throws {
    let json = try JSONValue(
      parsing: #"{"f:a":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}},"f:finalizers":{"v:\"x/y\"":{}}}"#
    )
    #expect(
      FieldSet(fieldsV1: json).paths == [
        #".a[port=80,protocol="TCP"]"#, #".a[port=80,protocol="TCP"].name"#, #".finalizers[="x/y"]"#,
      ])
  }

  @Test func setsAreAddedAndSubtracted() throws {
    func set(_ text: String) throws -> FieldSet { FieldSet(fieldsV1: try JSONValue(parsing: text)) }
    let (both, left) = (try set(#"{"f:a":{".":{},"f:b":{}},"f:c":{}}"#), try set(#"{"f:a":{"f:b":{}}}"#))
    #expect(both.subtracting(left) == (try set(#"{"f:a":{},"f:c":{}}"#)))
    #expect(both.intersection(left) == left)
    #expect(both.subtracting(left).union(left) == both)
    #expect(left.subtracting(both).isEmpty)
  }

  /// The order of an associative list is no manager's field.
  @Test func aComparisonSeesElements() {
    let schema = MergeSchema.schema(for: .service)
    func object(_ ports: JSONValue) -> JSONValue { ["spec": ["ports": ports]] }
    let (a, b): (JSONValue, JSONValue) = (["port": 80, "name": "a"], ["port": 81, "name": "b"])
    #expect(FieldComparison(from: object([a, b]), to: object([b, a]), schema).written.isEmpty)
    let changed = FieldComparison(from: object([a, b]), to: object([["port": 80, "name": "z"]]), schema)
    #expect(changed.modified.paths == [#".spec.ports[port=80,protocol="TCP"].name"#])
    #expect(changed.removed.paths.first == #".spec.ports[port=81,protocol="TCP"]"#)
  }
}
