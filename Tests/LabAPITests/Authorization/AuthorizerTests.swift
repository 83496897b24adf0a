import KubeObjects
import Testing

@testable import LabAPI

@Suite struct AuthorizerTests {
  private let alice = UserInfo(name: "alice", groups: ["system:authenticated"])

  private func bind(_ api: APIHarness, role: String) async throws {
    let binding: JSONValue = [
      "metadata": ["name": "alice"],
      "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role)],
      "subjects": [["kind": "User", "name": "alice"]],
    ]
    let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
    #expect(try await api.send(.POST, path, binding).code == 201)
  }

  @Test func withoutABindingNothingIsAllowed() async throws {
    let api = try await APIHarness()
    let answer = try await api.send(.GET, Sample.pods, user: alice)
    #expect(answer.code == 403)
    #expect(
      answer.object["message"]
        == """
        pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "default"
        """
    )
  }

  @Test func editWritesInItsNamespaceOnly() async throws {
    let api = try await APIHarness()
    try await bind(api, role: "edit")
    #expect(try await api.send(.POST, Sample.services, Sample.service("web"), user: alice).code == 201)
    let patch: JSONValue = [["op": "add", "path": "/spec/selector/x", "value": "y"]]
    #expect(
      try await api.send(.PATCH, Sample.services + "/web", patch, type: "application/json-patch+json", user: alice).code
        == 200)
    #expect(try await api.send(.GET, "/api/v1/namespaces/kube-system/services", user: alice).code == 403)
    #expect(try await api.send(.GET, "/api/v1/services", user: alice).code == 403)
    #expect(try await api.send(.GET, "/api/v1/nodes", user: alice).code == 403)
  }

  @Test func viewOnlyReads() async throws {
    let api = try await APIHarness()
    try await bind(api, role: "view")
    try await api.send(.POST, Sample.pods, Sample.pod("a"))
    #expect(try await api.send(.GET, Sample.pods + "/a", user: alice).code == 200)
    #expect(try await api.send(.DELETE, Sample.pods + "/a", user: alice).code == 403)
    #expect(try await api.send(.GET, Sample.pods + "/a/portforward", user: alice).code == 403)
    #expect(try await api.send(.GET, "/api/v1/namespaces/default/secrets", user: alice).code == 403)
  }

  @Test func reviewsSayTheSame() async throws {
    let api = try await APIHarness()
    try await bind(api, role: "view")
    func isAllowed(_ verb: String) async throws -> JSONValue? {
      let spec: JSONValue = ["resourceAttributes": ["namespace": "default", "verb": .string(verb), "resource": "pods"]]
      let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
      return try await api.send(.POST, path, ["spec": spec], user: alice).object[path: "status", "allowed"]
    }
    #expect(try await isAllowed("list") == true)
    #expect(try await isAllowed("delete") == false)
  }

  @Test func strangersAreUnauthorized() async throws {
    let api = try await APIHarness()
    #expect(try await api.send(.GET, Sample.pods, user: .anonymous).code == 401)
  }
}
