import HTTPTestSupport
import KubeAPI
import KubeObjects
import Testing

@Suite(.timeLimit(.minutes(1))) struct KubeClientTests {
  @Test func listsPageByPage() async throws {
    try await withServer { request, connection in
      switch request.query["continue"] {
      case nil: connection.reply(podList([pod("a", version: 1)], version: 9, token: "x+/="))
      case "x+/=": connection.reply(podList([pod("b", version: 2)], version: 9))
      case let other: connection.failure(400, "BadRequest", "token \(other ?? "")")
      }
    } _: { client, server in
      let list = try await client.list(
        .pods, namespace: nil, labels: LabelSelector(matchLabels: ["app": "x"]), fields: "spec.nodeName=n")
      #expect(list.items.compactMap(\.name) == ["a", "b"] && list.resourceVersion == "9")
      #expect(server.requests.map(\.path) == ["/api/v1/pods", "/api/v1/pods"])
      #expect(
        server.requests.allSatisfy {
          $0.query["limit"] == "500" && $0.query["labelSelector"] == "app=x"
            && $0.query["fieldSelector"] == "spec.nodeName=n"
        })
    }
  }

  @Test(arguments: [
    (404, "404 page not found"), (400, "Client sent an HTTP request to an HTTPS server."), (302, ""),
    (404, "<!DOCTYPE HTML>\n<html>…</html>"),
  ])
  func anotherProgramIsNoAPIServer(status: Int, text: String) async throws {
    try await withServer { _, connection in
      connection.reply(status, body: Array(text.utf8), headers: ["Content-Type": "text/plain"])
    } _: { client, _ in
      let error = await #expect(throws: KubeError.self) { try await client.serverVersion() }
      let told = "\(error as Any)"
      #expect(told.contains("does not answer as a Kubernetes API server: it answered \(status) to /version"), "\(told)")
      #expect(told.contains("https://") && told.contains("check the kubeconfig's server"))
      #expect(told.contains("a web page") == text.hasPrefix("<") && !told.contains("<"), "\(told)")
    }
  }

  @Test func whatKubernetesRefusesStaysItsOwn() async throws {
    try await withServer { _, connection in
      connection.failure(403, "Forbidden", "no")
    } _: { client, _ in
      let error = await #expect(throws: KubeError.self) { try await client.serverVersion() }
      #expect(error?.isForbidden == true)
    }
  }

  @Test func listsAnewWhenTheTokenExpired() async throws {
    try await withServer { request, connection in
      if request.query["continue"] != nil {
        connection.failure(410, "Expired", "too old")
      } else if request.query["limit"] != nil {
        connection.reply(podList([pod("a", version: 1)], version: 5, token: "x"))
      } else {
        connection.reply(podList([pod("b", version: 2), pod("c", version: 3)], version: 9))
      }
    } _: { client, _ in
      let list = try await client.list(.pods, namespace: "n")
      #expect(list.items.compactMap(\.name) == ["b", "c"] && list.resourceVersion == "9")
    }
  }

  @Test func objectsOfAListKnowTheirKind() async throws {
    try await withServer { _, connection in
      connection.reply(["items": [["metadata": ["name": "a"]]]])
    } _: { client, _ in
      let item = try await client.list(.deployments, namespace: "n").items[0]
      #expect(item.kind == "Deployment" && item.apiVersion == "apps/v1")
    }
  }

  @Test func writesAsKubernetesWantsIt() async throws {
    try await withServer { request, connection in
      connection.reply(request.method == "POST" ? 201 : 200, request.json ?? .null)
    } _: { client, server in
      try await client.create(pod("a", version: 1), as: .pods, dryRun: true)
      try await client.update(pod("a", version: 1), as: .pods, subresource: "status")
      try await client.patch(.services, "s", namespace: "n", JSONPatch([.remove(JSONPointer("a"))]))
      try await client.patch(.services, "s", type: .merge, ["a": 1])
      try await client.patch(.services, "s", type: .strategic, ["a": 1])
      try await client.patch(.services, "s", type: .apply, ["a": 1], force: true)
      try await client.delete(
        .deployments, "d", propagation: .foreground, gracePeriod: 0, uid: "u", resourceVersion: "7")
      let requests = server.requests
      #expect(
        requests.map { "\($0.method) \($0.path)" } == [
          "POST /api/v1/namespaces/default/pods", "PUT /api/v1/namespaces/default/pods/a/status",
          "PATCH /api/v1/namespaces/n/services/s",
          "PATCH /api/v1/namespaces/default/services/s", "PATCH /api/v1/namespaces/default/services/s",
          "PATCH /api/v1/namespaces/default/services/s",
          "DELETE /apis/apps/v1/namespaces/default/deployments/d",
        ])
      #expect(
        requests.compactMap { $0.headers["content-type"] } == [
          "application/json", "application/json", "application/json-patch+json", "application/merge-patch+json",
          "application/strategic-merge-patch+json", "application/apply-patch+yaml", "application/json",
        ])
      #expect(requests[0].query == ["fieldManager": "devtunnel", "dryRun": "All"])
      #expect(requests[5].query == ["fieldManager": "devtunnel", "force": "true"])
      #expect(requests[2].json == [["op": "remove", "path": "/a"]])
      #expect(
        requests[6].json == [
          "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground", "gracePeriodSeconds": 0,
          "preconditions": ["uid": "u", "resourceVersion": "7"],
        ])
    }
  }

  @Test func aStatusBecomesAnError() async throws {
    try await withServer { request, connection in
      switch request.path {
      case "/api/v1/namespaces/default/pods/missing": connection.failure(404, "NotFound", "pods \"missing\" not found")
      default: connection.reply(502, body: Array("<html>proxy</html>".utf8))
      }
    } _: { client, _ in
      let nothing = try await client.find(.pods, "missing")
      #expect(nothing == nil)
      let missing = await #expect(throws: KubeError.self) { try await client.get(.pods, "missing") }
      guard case .status(404, "NotFound", "pods \"missing\" not found", _) = missing else {
        Issue.record("\(missing as Any)")
        return
      }
      let proxy = await #expect(throws: KubeError.self) { try await client.create(pod("x", version: 1), as: .pods) }
      #expect(proxy == .status(code: 502, reason: "", message: "<html>proxy</html>", details: nil))
    }
  }

  @Test("An object is changed as it was read, and one that was read without its version is not changed")
  func changesWhatWasRead() async throws {
    try await withServer { request, connection in
      let version = request.json?[path: "metadata", "resourceVersion"]
      if version == "1" {
        connection.reply(200, request.json ?? [:])
      } else {
        connection.failure(409, "Conflict", "old")
      }
    } _: { client, server in
      var object = pod("x", version: 1)
      try await client.patch(.pods, asRead: object, namespace: "n", ["metadata": ["labels": ["a": "b"]]])
      #expect(
        server.requests.first?.json == ["metadata": ["labels": ["a": "b"], "resourceVersion": "1"]]
          && server.requests.first?.path == "/api/v1/namespaces/n/pods/x")
      object[path: "metadata", "resourceVersion"] = nil
      await #expect(throws: KubeError.self) {
        try await client.patch(.pods, asRead: object, namespace: "n", ["metadata": ["labels": ["a": "c"]]])
      }
      #expect(server.requests.count == 1)
    }
  }

  @Test("A program that answers /version without a version is no API server")
  func noVersion() async throws {
    try await withServer {
      $1.reply(200, ["version": "7"])
    } _: { client, _ in
      let error = await #expect(throws: KubeError.self) { try await client.serverVersion() }
      guard case .badResponse = error else {
        Issue.record("\(error as Any)")
        return
      }
    }
  }

  @Test func reviewsAccess() async throws {
    try await withServer { request, connection in
      let allowed = request.json?[path: "spec", "resourceAttributes", "subresource"] == "portforward"
      connection.reply(201, ["status": ["allowed": JSONValue(allowed), "reason": "because"]])
    } _: { client, server in
      let review = try await client.selfSubjectAccessReview(
        verb: "create", .pods, subresource: "portforward", namespace: "n")
      #expect(review.isAllowed && review.reason == "because")
      let other = try await client.selfSubjectAccessReview(verb: "patch", .deployments, namespace: nil)
      #expect(!other.isAllowed)
      #expect(server.requests[1].json?[path: "spec", "resourceAttributes", "group"] == "apps")
    }
  }

  @Test func saysWhoAsks() async throws {
    let server = HTTPTestServer { _, connection in connection.reply(["gitVersion": "v1"]) }
    defer { server.stop() }
    var access = ClusterAccess(
      server: ServerURL("http://127.0.0.1:\(server.port)/prefix/")!,
      credentials: CredentialSource(Credentials(bearerToken: "secret")),
      impersonation: Impersonation(user: "alice", groups: ["dev"]))
    let version = try await KubeClient(access).serverVersion()
    #expect(version == "v1")
    access.credentials = CredentialSource(Credentials(basic: .init(username: "u", password: "p")))
    _ = try await KubeClient(access).raw("/readyz")
    let requests = server.requests
    #expect(requests.map(\.path) == ["/prefix/version", "/prefix/readyz"])
    #expect(
      requests[0].headers["authorization"] == "Bearer secret" && requests[1].headers["authorization"] == "Basic dTpw")
    #expect(requests[0].headers["impersonate-user"] == "alice" && requests[0].headers["impersonate-group"] == "dev")
  }
}
