import KubeObjects
import LabStore
import Logging
import Testing

@testable import LabAPI

@Suite struct ControllerTests {
  /// Runs the controllers and a node beside a test.
  private func withCluster(_ test: @Sendable @escaping (APIHarness) async throws -> Void) async throws {
    let api = try await APIHarness()
    try await withThrowingTaskGroup(of: Void.self) { group in
      let controllers = Controllers(
        store: api.store, addresses: try ServiceAddresses(cidr: "10.98.0.0/24"), nodeName: "lab",
        logger: Logger(label: "test"))
      group.addTask { await controllers.run() }
      group.addTask { try await FakeNode(store: api.store).run() }
      try await test(api)
      group.cancelAll()
    }
  }

  private func status(_ api: APIHarness, _ field: String) async throws -> Int {
    try await api.send(.GET, Sample.deployments + "/web").object[path: "status", field]?.intValue ?? 0
  }

  private func isComplete(_ api: APIHarness) async throws -> Bool {
    let object = try await api.send(.GET, Sample.deployments + "/web").object
    let replicas = object[path: "spec", "replicas"]?.intValue
    return object[path: "status", "observedGeneration"]?.intValue == object.generation
      && ["replicas", "updatedReplicas", "availableReplicas"].allSatisfy {
        object[path: "status", $0]?.intValue == replicas
      }
      && object.condition("Progressing")?["reason"] == "NewReplicaSetAvailable" && object.isConditionTrue("Available")
  }

  @Test func aDeploymentRollsOutAndKeepsItsMinimum() async throws {
    try await withCluster { api in
      try await api.send(.POST, Sample.deployments, Sample.deployment("web", replicas: 4))
      #expect(try await eventually { try await isComplete(api) })
      // maxUnavailable is a quarter of four.
      let watcher = Task {
        var lowest = Int.max
        for await _ in try await api.store.watch(.pods, after: nil) {
          let pods = await api.store.list(.pods, namespace: "default").items
          lowest = min(lowest, pods.count { $0.isReadyPod && !$0.isTerminating })
        }
        return lowest
      }
      let image: JSONValue = ["spec": ["template": ["spec": ["containers": [["name": "main", "image": "web:2"]]]]]]
      try await api.send(.PATCH, Sample.deployments + "/web", image, type: "application/strategic-merge-patch+json")
      #expect(try await eventually { try await isComplete(api) })
      watcher.cancel()
      #expect(try await watcher.value >= 3)
      let pods = await api.store.list(.pods, namespace: "default").items
      #expect(pods.filter { !$0.isTerminating }.allSatisfy { $0[path: "spec", "containers"]?[0]?["image"] == "web:2" })
      let sets = await api.store.list(.replicaSets, namespace: "default").items
      #expect(Set(sets.compactMap { $0.annotations[Rollout.revisionAnnotation] }) == ["1", "2"])
    }
  }

  @Test func aBrokenTemplateStopsTheRollout() async throws {
    try await withCluster { api in
      try await api.send(.POST, Sample.deployments, Sample.deployment("web", replicas: 4))
      #expect(try await eventually { try await isComplete(api) })
      let broken: JSONValue = ["spec": ["template": ["metadata": ["labels": ["broken": "yes"]]]]]
      try await api.send(.PATCH, Sample.deployments + "/web", broken, type: "application/strategic-merge-patch+json")
      #expect(try await eventually { try await status(api, "updatedReplicas") == 2 })
      try await Task.sleep(for: .milliseconds(200))
      #expect(try await status(api, "availableReplicas") == 3)
      #expect(try await status(api, "updatedReplicas") == 2)
    }
  }

  @Test func recreateNeverRunsBothTemplates() async throws {
    try await withCluster { api in
      var deployment = Sample.deployment("web")
      deployment[path: "spec", "strategy"] = ["type": "Recreate"]
      try await api.send(.POST, Sample.deployments, deployment)
      #expect(try await eventually { try await isComplete(api) })
      let watcher = Task {
        var mixed = false
        for await _ in try await api.store.watch(.pods, after: nil) {
          let pods = await api.store.list(.pods, namespace: "default").items
          mixed = mixed || Set(pods.compactMap { $0.labels[Rollout.hashLabel] }).count > 1
        }
        return mixed
      }
      let image: JSONValue = ["spec": ["template": ["spec": ["containers": [["name": "main", "image": "web:2"]]]]]]
      try await api.send(.PATCH, Sample.deployments + "/web", image, type: "application/strategic-merge-patch+json")
      #expect(try await eventually { try await isComplete(api) })
      watcher.cancel()
      #expect(try await !watcher.value)
    }
  }

  @Test func endpointSlicesResolveNamedPortsPerPod() async throws {
    try await withCluster { api in
      try await api.send(.POST, Sample.services, Sample.service("web"))
      try await api.send(.POST, Sample.pods, Sample.pod("a"))
      try await api.send(.POST, Sample.pods, Sample.pod("b", ports: [["containerPort": 8080, "name": "http"]]))
      func slices() async -> [JSONValue] {
        await api.store.list(.endpointSlices, namespace: "default").items.filter {
          $0.labels["kubernetes.io/service-name"] == "web"
        }
      }
      #expect(try await eventually { Set(await slices().map { $0["ports"]?[0]?["port"] }) == [80, 8080] })
      try await api.send(.DELETE, Sample.pods + "/b?gracePeriodSeconds=0")
      #expect(try await eventually { Set(await slices().map { $0["ports"]?[0]?["port"] }) == [80] })
      try await api.send(.DELETE, Sample.services + "/web")
      #expect(try await eventually { await slices().isEmpty })
    }
  }

  @Test func onlyReadyPodsAreReadyEndpointsUnlessAllArePublished() async throws {
    try await withCluster { api in
      try await api.send(.POST, Sample.services, Sample.service("web"))
      var published = Sample.service("all")
      published[path: "spec", "publishNotReadyAddresses"] = true
      published[path: "spec", "clusterIP"] = "None"
      try await api.send(.POST, Sample.services, published)
      try await api.send(.POST, Sample.pods, Sample.pod("a", labels: ["app": "web", "broken": "yes"]))
      func conditions(_ service: String) async -> JSONValue? {
        let slices = await api.store.list(.endpointSlices, namespace: "default").items
        return slices.first { $0.labels["kubernetes.io/service-name"] == service }?["endpoints"]?[0]?["conditions"]
      }
      #expect(
        try await eventually { await conditions("web") == ["ready": false, "serving": false, "terminating": false] })
      #expect(
        try await eventually { await conditions("all") == ["ready": true, "serving": false, "terminating": false] })
    }
  }

  @Test func whatADeploymentOwnsGoesWithIt() async throws {
    try await withCluster { api in
      for policy in ["Background", "Foreground"] {
        try await api.send(.POST, Sample.deployments, Sample.deployment("web"))
        #expect(try await eventually { try await isComplete(api) })
        try await api.send(.DELETE, Sample.deployments + "/web", ["propagationPolicy": .string(policy)])
        #expect(
          try await eventually {
            var left = 0
            for resource in [Resource.deployments, .replicaSets, .pods] {
              left += await api.store.list(resource, namespace: "default").items.count
            }
            return left == 0
          })
      }
    }
  }

  /// A client that deletes an owner often deletes its dependents too, while the garbage collector is about it: here
  /// every second one, from the other end.
  @Test func aDependentThatSomebodyElseDeletesKeepsNoOther() async throws {
    try await withCluster { api in
      try await api.send(.POST, Sample.deployments, Sample.deployment("web", replicas: 0))
      let deployment: JSONValue = try await api.send(.GET, Sample.deployments + "/web").object
      let owner: JSONValue = [
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": deployment[path: "metadata", "uid"] ?? "",
      ]
      for index in 1000..<2000 {
        let metadata: JSONValue = ["namespace": "default", "name": .string("c\(index)"), "ownerReferences": [owner]]
        _ = try await api.store.create(.configMaps, ["metadata": metadata])
      }
      try await api.send(.DELETE, Sample.deployments + "/web", ["propagationPolicy": "Background"])
      for index in stride(from: 1998, through: 1000, by: -2) {
        do {
          _ = try await api.store.delete(ObjectKey(.configMaps, namespace: "default", name: "c\(index)"), grace: nil)
        } catch StoreError.notFound {}
      }
      #expect(try await eventually { await api.store.list(.configMaps, namespace: "default").items.isEmpty })
    }
  }

  @Test func orphansStayAndAreAdopted() async throws {
    try await withCluster { api in
      try await api.send(.POST, Sample.deployments, Sample.deployment("web"))
      #expect(try await eventually { try await isComplete(api) })
      let before = Set(await api.store.list(.pods, namespace: "default").items.map(\.uid))
      let set = try #require(await api.store.list(.replicaSets, namespace: "default").items.first)
      try await api.send(
        .DELETE, "/apis/apps/v1/namespaces/default/replicasets/\(set.name)", ["propagationPolicy": "Orphan"])
      #expect(
        try await eventually {
          let sets = await api.store.list(.replicaSets, namespace: "default").items
          let pods = await api.store.list(.pods, namespace: "default").items
          return sets.first.map { $0.uid != set.uid } == true && Set(pods.map(\.uid)) == before
            && pods.allSatisfy { $0.controllerReference?.uid == sets.first?.uid }
        })
    }
  }

  @Test func aNamespaceIsEmptiedBeforeItGoes() async throws {
    try await withCluster { api in
      try await api.send(.POST, "/api/v1/namespaces", ["metadata": ["name": "team"]])
      try await api.send(
        .POST, "/api/v1/namespaces/team/configmaps", ["metadata": ["name": "held", "finalizers": ["example.com/x"]]])
      #expect(
        try await eventually { try await api.send(.GET, "/api/v1/namespaces/team/serviceaccounts/default").code == 200 }
      )
      try await api.send(.DELETE, "/api/v1/namespaces/team")
      let refused = try await api.send(.POST, "/api/v1/namespaces/team/configmaps", ["metadata": ["name": "late"]])
      #expect(refused.code == 403)
      #expect(
        try await eventually {
          try await api.send(.GET, "/api/v1/namespaces/team").object[path: "status", "phase"] == "Terminating"
        })
      let release: JSONValue = ["metadata": ["finalizers": nil]]
      try await api.send(
        .PATCH, "/api/v1/namespaces/team/configmaps/held", release, type: "application/merge-patch+json")
      #expect(try await eventually { try await api.send(.GET, "/api/v1/namespaces/team").code == 404 })
    }
  }
}
