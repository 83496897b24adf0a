import KubeAPI
import KubeObjects
import Manifests
import Testing

@testable import Deploy

struct DeployErrorTests {
  private let id = ObjectID(apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "user")
  private let position = SourcePosition(file: "user.yaml", line: 3)

  private func error(_ code: Int, _ reason: String, _ message: String, _ details: JSONValue? = nil) -> DeployError {
    DeployError(
      .status(code: code, reason: reason, message: message, details: details), doing: "applying it", object: id,
      position: position)
  }

  @Test("A refused field is named, with object and place")
  func invalid() {
    let details: JSONValue = [
      "causes": [["field": "spec.template.spec.containers[0].image", "message": "Required value"]]
    ]
    let error = error(422, "Invalid", "…", details)
    #expect(error.code == .invalid)
    #expect(
      error.fields == [DeployError.Field(path: "spec.template.spec.containers[0].image", message: "Required value")])
    #expect(error.description.hasPrefix("user.yaml:3: Deployment shop/user: "))
  }

  @Test(
    "Immutable fields, in the API server's various words",
    arguments: [
      "Invalid value: {\"matchLabels\":{\"app\":\"q\"}}: field is immutable",
      "Invalid value: [\"10.96.77.77\"]: may not change once set",
      """
      Forbidden: pod updates may not change fields other than `spec.containers[*].image`
      @@ -94,7 +94,7 @@
      - "true"
      """,
      "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
    ])
  func immutable(message: String) {
    let error = error(422, "Invalid", "…", ["causes": [["field": "spec", "message": JSONValue(message)]]])
    #expect(error.code == .immutable)
    #expect(error.remedy?.contains("--recreate") == true)
    #expect(!error.description.contains("@@"))
  }

  @Test("A value as long as a Pod template is left out")
  func short() {
    let message = "Invalid value: {\"Volumes\":\"\(String(repeating: "x", count: 500))\"}: field is immutable"
    #expect(DeployError.short(message) == "field is immutable")
  }

  @Test("Unknown fields come as an error 500, one or several")
  func untyped() {
    let one = error(
      500, "",
      """
      failed to create typed patch object (shop/user; apps/v1, Kind=Deployment): .spec.replicax: field not declared in \
      schema
      """
    )
    #expect(one.code == .invalid)
    #expect(one.fields == [DeployError.Field(path: "spec.replicax", message: "field not declared in schema")])
    let two = error(
      500, "",
      """
      failed to create typed patch object (a/b; v1, Kind=Service): errors:
        .spec.a: field not declared in schema
        .spec.b: expected string, got &{1}
      """
    )
    #expect(two.fields.map(\.path) == ["spec.a", "spec.b"])
  }

  @Test("Missing namespaces, missing rights and policies are distinguished")
  func refusals() {
    #expect(error(404, "NotFound", "namespaces \"x\" not found", ["kind": "namespaces"]).code == .namespace)
    #expect(error(403, "Forbidden", "deployments is forbidden: User \"a\" cannot patch").code == .forbidden)
    #expect(error(403, "Forbidden", "pods \"a\" is forbidden: violates PodSecurity \"restricted\"").code == .invalid)
    #expect(
      error(403, "Forbidden", "unable to create new content in namespace x because it is being terminated").code
        == .namespace)
  }
}
