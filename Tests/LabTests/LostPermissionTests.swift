import ControlAPI
import Deploy
import Foundation
import KubeAPI
import KubeObjects
import Logging
import Manifests
import Testing

extension LabTests {
  /// A developer who may do what templates/rbac.yaml grants, until a part of it is taken away.
  @Suite struct LostPermissionTests {
    private let fromHost = "hello from the host"
    private let fromCluster = "hello from the cluster"

    @Test func whatMayNotBeUndoneIsRefusedBeforehand() async throws {
      try await Lab.run { lab in
        let host = try HostServer(fromHost)
        let cluster = try lab.limited()
        try await lab.grant()
        try await lab.revoke("delete", "deployments")
        try await lab.revoke("patch", "leases")
        try await lab.developer("limited@host") { developer in
          let request = InterceptRequest(cluster: cluster, service: "web", ports: [PortMapping(local: host.port)])
          let refusal = await #expect(throws: ControlError.self) { _ = try await developer.intercept(request) { _ in } }
          #expect(refusal?.code == .forbidden)
          #expect(
            refusal?.message.hasSuffix("namespace shop: delete deployments.apps, patch leases.coordination.k8s.io")
              == true)
          try await lab.expectNoTraces()
          let check = await developer.doctor(cluster) { _ in }.first { $0.name == "permissions" }
          #expect(check?.detail == "missing in shop: delete deployments.apps, patch leases.coordination.k8s.io")
        }
        host.stop()
      }
    }

    @Test func whatStaysIsToldUntilItIsGone() async throws {
      try await Lab.run { lab in
        let host = try HostServer(fromHost)
        let cluster = try lab.limited()
        try await lab.grant()
        try await lab.developer("limited@host") { developer in
          let request = InterceptRequest(cluster: cluster, service: "web", ports: [PortMapping(local: host.port)])
          _ = try await developer.intercept(request) { _ in }
          try await lab.expect(fromHost)
          #expect(
            await developer.status().intercepts.first?.ports.first?.toOrigin == 0,
            "our own probes are nobody's connections")
          try await lab.revoke("delete", "deployments")

          let staying = await #expect(throws: ControlError.self) {
            _ = try await developer.leave(LeaveRequest(service: "web")) { _ in }
          }
          #expect(staying?.code == .incomplete)
          #expect(staying?.message.contains("Deployment shop/devtunnel-web with what it owns") == true)
          try await lab.expect(fromCluster)
          try await eventually("the server's own reason is told") {
            await developer.status().intercepts.first?.message?.contains("answered 403") == true
          }
          #expect(await developer.status().intercepts.first?.state == .leaving)
          let again = await #expect(throws: ControlError.self) {
            _ = try await developer.leave(LeaveRequest(service: "web")) { _ in }
          }
          #expect(again?.code == .incomplete)
          let anew = await #expect(throws: ControlError.self) { _ = try await developer.intercept(request) { _ in } }
          // Refusals that cost nothing come before the wait for what stays.
          #expect(
            anew?.code == .forbidden && anew?.message.contains("delete deployments.apps") == true,
            "\(String(describing: anew))")

          try await lab.grant()
          try await lab.expectNoTraces()
          try await eventually("it is forgotten") { await developer.status().intercepts.isEmpty }
        }
        host.stop()
      }
    }

    @Test func theEndSaysWhatStaysAndTheNextDaemonShowsIt() async throws {
      try await Lab.run { lab in
        let host = try HostServer(fromHost)
        let cluster = try lab.limited()
        try await lab.grant()
        try await lab.developer("limited@host") { first in
          let request = InterceptRequest(cluster: cluster, service: "web", ports: [PortMapping(local: host.port)])
          _ = try await first.intercept(request) { _ in }
          try await lab.revoke("delete", "deployments")
          let problems = await first.shutDown { _ in }
          #expect(problems.map(\.code) == [.incomplete])
          #expect(problems.first?.message.contains("devtunnel-web") == true)
          try await lab.expect(fromCluster)
        }
        try await lab.developer("limited@host") { next in
          await next.recover()
          let report = await next.status().intercepts.first
          #expect(report?.service == "web" && report?.state == .leaving)
          #expect(report?.message?.contains("left by an earlier daemon") == true)
          let staying = await next.shutDown { _ in }
          #expect(staying.map(\.code) == [.incomplete])
          #expect(staying.first?.message.contains("shop/web: left by an earlier daemon") == true)

          try await lab.revoke("list", "services")
          let tried = await #expect(throws: ControlError.self) {
            _ = try await next.restore(RestoreRequest(cluster: cluster)) { _ in }
          }
          #expect(tried?.code == .forbidden)
          #expect(await !next.status().intercepts.isEmpty)
          _ = try await next.restore(RestoreRequest(cluster: cluster, force: true)) { _ in }
          #expect(await next.status().intercepts.isEmpty, "what may not be looked for any more is forgotten on demand")
          try await lab.grant()
          _ = try await next.restore(RestoreRequest(cluster: cluster)) { _ in }
          #expect(await next.status().intercepts.isEmpty)
          try await lab.expectNoTraces()
        }
        host.stop()
      }
    }

    @Test func whoSeesOneNamespaceAloneDeletesWhatWasDeployedThere() async throws {
      try await Lab.run { lab in
        let kubeconfig = try #require(try lab.limited().kubeconfig.first)
        try await lab.grantEverythingInOneNamespace()
        let access = try ClusterAccess.load(kubeconfig: kubeconfig, context: nil, namespace: "default")
        let client = KubeClient(access, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let deployer = Deployer(client: client, namespace: "default", run: "limited-run")
        var warnings: [Diagnostic] = []
        let manifests = try ManifestReader.parse(
          "{apiVersion: v1, kind: ConfigMap, metadata: {name: left, namespace: shop}}", file: "test.yaml",
          warnings: &warnings)
        _ = try await deployer.apply(manifests)
        #expect(try await deployer.delete().map(\.description) == ["ConfigMap shop/left"])
        #expect(try await lab.client.find(.configMaps, "left", namespace: "shop") == nil)
      }
    }
  }
}

extension Lab {
  fileprivate func grantEverythingInOneNamespace() async throws {
    let rules: JSONValue = [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]]
    try await client.create(
      ["apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": ["name": "all"], "rules": rules],
      as: Self.roles, namespace: "shop")
    let group: JSONValue = "rbac.authorization.k8s.io"
    try await client.create(
      [
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": ["name": "all"],
        "roleRef": ["apiGroup": group, "kind": "Role", "name": "all"],
        "subjects": [["apiGroup": group, "kind": "User", "name": JSONValue(Self.limitedName)]],
      ], as: Self.bindings, namespace: "shop")
  }

  private static let roles = APIResource(
    group: "rbac.authorization.k8s.io", version: "v1", plural: "roles", kind: "Role")
  private static let bindings = APIResource(
    group: "rbac.authorization.k8s.io", version: "v1", plural: "rolebindings", kind: "RoleBinding")

  /// The cluster as the user `limited` has it.
  fileprivate func limited() throws -> ClusterSelection {
    let text = try String(contentsOfFile: directory + "/kubeconfig", encoding: .utf8)
    let lines = text.split(separator: "\n").filter { !$0.contains("client-key-data") }.map { line in
      line.contains("client-certificate-data") ? "    token: \(Self.limitedToken)" : String(line)
    }
    let path = directory + "/kubeconfig-limited"
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    return ClusterSelection(kubeconfig: [path], namespace: "shop")
  }

  /// Gives `limited` the whole Role.
  fileprivate func grant() async throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").path
    for var object in try ManifestFile.read(root + "/templates/rbac.yaml") {
      let resource = object.kind == "Role" ? Self.roles : Self.bindings
      if object.kind == "RoleBinding" {
        object["subjects"] = [
          ["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": JSONValue(Self.limitedName)]
        ]
      }
      if var present = try await client.find(resource, object.name ?? "", namespace: "shop") {
        if resource == Self.roles { present["rules"] = object["rules"] }
        try await client.update(present, as: resource, namespace: "shop")
      } else {
        try await client.create(object, as: resource, namespace: "shop")
      }
    }
  }

  fileprivate func revoke(_ verb: String, _ plural: String) async throws {
    var role = try await client.get(Self.roles, "devtunnel", namespace: "shop")
    role["rules"] = .array(
      (role["rules"]?.elements ?? []).map { rule in
        guard rule["resources"]?.elements.contains(JSONValue(plural)) == true else { return rule }
        var rule = rule
        rule["verbs"] = .array((rule["verbs"]?.elements ?? []).filter { $0 != JSONValue(verb) })
        return rule
      })
    try await client.update(role, as: Self.roles, namespace: "shop")
  }
}
