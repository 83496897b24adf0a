import KubeObjects
import Testing

@testable import Deploy

struct RunScopeTests {
  private static func object(_ uid: String, namespace: String = "shop", owner: String? = nil) -> JSONValue {
    var object: JSONValue = [
      "metadata": ["name": JSONValue("n-" + uid), "namespace": JSONValue(namespace), "uid": JSONValue(uid)]
    ]
    if let owner {
      object[path: "metadata", "ownerReferences"] = [
        [
          "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": JSONValue("n-" + owner), "uid": JSONValue(owner),
          "controller": true,
        ]
      ]
    }
    return object
  }

  private func owners(_ objects: JSONValue...) -> PodOwners {
    let scope = RunScope()
    scope.note(uid: "deployment")
    scope.note(uid: "pod")
    scope.note(namespaces: ["shop"])
    return PodOwners(scope: scope) { reference, _ in objects.first { $0.name == reference.name } }
  }

  @Test("A Pod is the run's when it was applied, or one of its owners was")
  func chain() async {
    let owners = owners(Self.object("set", owner: "deployment"), Self.object("other", owner: "stranger"))
    #expect(await owners.areOfRun(Self.object("x", owner: "set")))
    #expect(await owners.areOfRun(Self.object("x", owner: "deployment")))
    #expect(await owners.areOfRun(Self.object("pod")))
  }

  @Test("A stranger's Pod with the run's label is not")
  func strangers() async {
    let owners = owners(
      Self.object("set", owner: "deployment"), Self.object("other", owner: "stranger"),
      Self.object("circle", owner: "circle"))
    #expect(await !owners.areOfRun(Self.object("x")))
    #expect(await !owners.areOfRun(Self.object("x", owner: "other")))
    #expect(await !owners.areOfRun(Self.object("x", owner: "circle")))
    // In another namespace, whatever it claims.
    #expect(await !owners.areOfRun(Self.object("x", namespace: "evil", owner: "set")))
    #expect(await !owners.areOfRun(Self.object("pod", namespace: "evil")))
    // Of the same name as the run's ReplicaSet, and another one.
    var impostor = Self.object("x", owner: "set")
    impostor[path: "metadata", "ownerReferences"] = [
      ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "n-set", "uid": "forged", "controller": true]
    ]
    #expect(await !owners.areOfRun(impostor))
  }

  @Test("Namespaces come once each, those of before and those of later")
  func namespaces() async {
    let scope = RunScope()
    scope.note(namespaces: ["a"])
    var seen: [String] = []
    for await namespace in scope.followNamespaces() {
      seen.append(namespace)
      if seen.count == 1 { scope.note(namespaces: ["a", "b"]) } else { break }
    }
    #expect(seen == ["a", "b"])
  }
}
