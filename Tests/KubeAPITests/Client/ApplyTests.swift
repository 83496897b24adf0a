import HTTPTestSupport
import KubeAPI
import KubeObjects
import Testing

struct ApplyTests {
  private let object: JSONValue = [
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "c", "namespace": "shop"], "data": ["a": "b"],
  ]

  @Test("An apply says what it is, forces, and reports new objects and the server's warnings")
  func apply() async throws {
    try await withServer { request, connection in
      connection.reply(201, request.json ?? .null, headers: ["Warning": "299 - \"v1 is \\\"old\\\"\""])
    } _: { client, server in
      let state = try await client.apply(object, as: .configMaps, force: true)
      #expect(state.isNew && state.object == object && state.warnings == ["v1 is \"old\""])
      let request = try #require(server.requests.first)
      #expect(request.method == "PATCH" && request.path == "/api/v1/namespaces/shop/configmaps/c")
      #expect(request.headers["content-type"] == "application/apply-patch+yaml")
      #expect(request.query == ["fieldManager": "devtunnel", "force": "true"])
    }
  }

  @Test("A wrong field comes as an error 500, and is not tried again")
  func wrongField() async throws {
    try await withServer { _, connection in
      connection.failure(
        500, "", "\(KubeError.untypedObject) (shop/c; v1, Kind=ConfigMap): .dat: field not declared in schema")
    } _: { client, server in
      await #expect(throws: KubeError.self) { try await client.apply(object, as: .configMaps) }
      #expect(server.requests.count == 1)
    }
  }

  @Test("Discovery: kinds without their subresources; a group that is not there has none")
  func discovery() async throws {
    try await withServer { request, connection in
      guard request.path == "/apis/apps/v1" else { return connection.failure(404, "NotFound", "not found") }
      connection.reply([
        "resources": [
          ["name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": ["list", "delete"]],
          ["name": "deployments/scale", "kind": "Scale", "namespaced": true, "verbs": ["get"]],
        ]
      ])
    } _: { client, _ in
      let found = try await client.resources(apiVersion: "apps/v1")
      #expect(found == [DiscoveredResource(resource: .deployments, verbs: ["list", "delete"])])
      #expect(try await client.resources(apiVersion: "nope.example.com/v1").isEmpty)
    }
  }
}
