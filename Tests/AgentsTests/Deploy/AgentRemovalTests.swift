import ControlAPI
import HTTPTestSupport
import KubeAPI
import KubeObjects
import Synchronization
import Testing

@testable import Agents

/// Names of 39 letters and more are shortened to their beginning and a check sum: two workloads can share one.
@Suite(.timeLimit(.minutes(1))) struct AgentRemovalTests {
  private static let one = "payment-reconciliation-service-ouxesizpdo"
  private static let two = "payment-reconciliation-service-bvhekcykvu"
  private static let name = AgentNames.base(one)

  private static func object(_ kind: String, of workload: String?, uid: String, labelled: Bool = true) -> JSONValue {
    var object: JSONValue = ["kind": JSONValue(kind), "metadata": ["name": JSONValue(name), "uid": JSONValue(uid)]]
    if labelled { object.labels = [AgentNames.managedByLabel: AgentNames.managedBy] }
    object.annotations = workload.map { [AgentNames.workloadAnnotation: $0] } ?? [:]
    return object
  }

  /// The changes that a removal of workload `two` makes in a namespace.
  private func changes(
    _ lists: [String: [JSONValue]], _ work: (AgentDeployer) async throws -> Void
  ) async throws -> [String] {
    let cluster = FakeNamespace(.init(lists: lists))
    return try await withServer {
      cluster.answer($0, $1)
    } _: { client, server in
      let manifests = AgentManifests(workload: Self.two, namespace: "testbed", holder: "alice@laptop")
      try await work(
        AgentDeployer(client: client, installation: Installation(share: "/nowhere"), manifests: manifests))
      return server.requests.filter { $0.method != "GET" }.map {
        "\($0.method) \($0.path.split(separator: "/").suffix(2).joined(separator: "/"))"
      }
    }
  }

  @Test("The names of these two meet")
  func names() {
    #expect(Self.one != Self.two && AgentNames.base(Self.one) == AgentNames.base(Self.two))
    #expect(AgentNames.label(Self.one) != AgentNames.label(Self.two))
  }

  @Test("Another workload's agent of the same name stays, and so does a Deployment that is not ours at all")
  func another() async throws {
    for foreign in [
      Self.object("Deployment", of: Self.one, uid: "d"),
      Self.object("Deployment", of: nil, uid: "d", labelled: false),
    ] {
      let changes = try await changes(["deployments": [foreign]]) { try await $0.remove() }
      #expect(changes == [])
    }
  }

  @Test(
    "The workload's own is removed, also one that has lost its annotation, and one that is known by its UID",
    arguments: [(two, nil), (nil, nil), (one, "d")] as [(String?, String?)])
  func own(workload: String?, uid: String?) async throws {
    let changes = try await changes(["deployments": [Self.object("Deployment", of: workload, uid: "d")]]) {
      try await $0.remove(uid: uid)
    }
    #expect(changes == ["DELETE deployments/\(Self.name)"])
  }

  @Test("Objects of the agent's name go if its Deployment owned them; a new agent's, or another workload's, stay")
  func owned() async throws {
    func owned(_ kind: String, by owner: String) -> JSONValue {
      var object = Self.object(kind, of: Self.two, uid: "x")
      object[path: "metadata", "ownerReferences"] = [FakeNamespace.owner("Deployment", Self.name, uid: owner)]
      return object
    }
    let changes = try await changes([
      "deployments": [Self.object("Deployment", of: Self.two, uid: "d")], "secrets": [owned("Secret", by: "new")],
      "configmaps": [owned("ConfigMap", by: "d")],
    ]) { try await $0.remove() }
    #expect(changes == ["DELETE deployments/\(Self.name)", "DELETE configmaps/\(Self.name)"])
  }

  @Test("A Secret and a ConfigMap are found by the name in the Pod template, which may be any")
  func named() async throws {
    for (name, isTaken) in [("\(Self.name)-0123", true), ("x/../y", false), ("theirs", false)] {
      var object = Self.object("Secret", of: Self.two, uid: "x")
      object.name = name
      object[path: "metadata", "ownerReferences"] = [FakeNamespace.owner("Deployment", Self.name, uid: "d")]
      let template = AgentPodTemplate(
        workload: Self.two, containerName: "user", listen: [], controlPort: 17_717, architecture: .amd64)
      var named = template
      named.objects = name
      var deployment = Self.object("Deployment", of: Self.two, uid: "d")
      deployment["spec"] = ["template": named.make(from: UserWorkload.template)]
      let changes = try await changes(["deployments": [deployment], "secrets": [object], "configmaps": [object]]) {
        try await $0.remove()
      }
      let both: Set = ["DELETE configmaps/\(name)", "DELETE secrets/\(name)"]
      #expect(Set(changes.dropFirst()) == (isTaken ? both : []), "\(changes)")
    }
  }

  @Test("A Service that another daemon diverts while the agent is deleted is given back: a second look finds it")
  func divertedMeanwhile() async throws {
    let isDeleted = Mutex(false)
    let isDiverted = Mutex(true)
    let late: JSONValue = [
      "metadata": [
        "name": "late", "annotations": ["devtunnel.dev/original-selector": "{}"],
      ], "spec": ["selector": ["app": "x", "devtunnel.dev/agent": JSONValue(AgentNames.label(Self.two))]],
    ]
    try await withServer { request, connection in
      let last = request.path.split(separator: "/").last.map(String.init)
      switch (request.method, last) {
      case ("DELETE", _):
        isDeleted.withLock { $0 = true }
        connection.reply([:])
      case ("PATCH", "late"):
        isDiverted.withLock { $0 = false }
        connection.reply([:])
      case ("GET", "services"):
        let isListed = isDeleted.withLock { $0 } && isDiverted.withLock { $0 }
        connection.reply(["items": isListed ? [late] : []])
      case ("GET", "late"): connection.reply(late)
      case ("GET", Self.name) where request.path.contains("/deployments/"):
        connection.reply(Self.object("Deployment", of: Self.two, uid: "d"))
      default: connection.failure(404, "NotFound", request.path)
      }
    } _: { client, _ in
      let restored = try await AgentRemoval(client: client, namespace: "testbed", workload: Self.two).remove()
      #expect(restored == ["late"])
      #expect(isDeleted.withLock { $0 } && !isDiverted.withLock { $0 })
    }
  }

  @Test(
    "A Service that someone made select an agent keeps it, but not one that is never ready", arguments: [true, false])
  func selected(isNeverReady: Bool) async throws {
    var deployment = Self.object("Deployment", of: Self.two, uid: "d")
    let command: JSONValue = isNeverReady ? ["/devtunnel/agent", "--never-ready"] : ["/devtunnel/agent"]
    deployment["spec"] = ["template": ["spec": ["containers": [["command": command]]]]]
    let service: JSONValue = [
      "metadata": ["name": "theirs"],
      "spec": ["selector": ["devtunnel.dev/agent": JSONValue(AgentNames.label(Self.two))]],
    ]
    let changes = try await changes(["deployments": [deployment], "services": [service]]) { deployer in
      do throws(ControlError) { try await deployer.remove() } catch { #expect(error.code == .refused) }
    }
    #expect(changes == (isNeverReady ? ["DELETE deployments/\(Self.name)"] : []))
  }

  @Test("No agent is made in another's place, and the error names the workload")
  func deploy() async throws {
    let template = AgentPodTemplate(
      workload: Self.two, containerName: "user", listen: [8080], controlPort: 17_717, architecture: .amd64)
    let changes = try await changes(["deployments": [Self.object("Deployment", of: Self.one, uid: "d")]]) { deployer in
      let error = await #expect(throws: ControlError.self) {
        _ = try await deployer.deploy(template: template, from: UserWorkload.template, selector: nil)
      }
      #expect(error?.code == .conflict && error?.message.hasSuffix("belongs to workload \(Self.one)") == true)
    }
    #expect(changes == [])
  }

  @Test("Another workload's agent is not taken for ours")
  func existing() async throws {
    let template: JSONValue = ["spec": ["containers": [["command": ["/devtunnel/agent", "--control", "17717"]]]]]
    for (workload, isOurs) in [(Self.one, false), (Self.two, true)] {
      var deployment = Self.object("Deployment", of: workload, uid: "d")
      deployment["spec"] = ["template": template]
      var secret = Self.object("Secret", of: workload, uid: "s")
      secret["data"] = ["token": JSONValue(StandingAgentTests.token)]
      _ = try await changes(["deployments": [deployment], "secrets": [secret]]) { deployer in
        let found = try await deployer.existing()
        #expect((found != nil) == isOurs)
      }
    }
  }
}
