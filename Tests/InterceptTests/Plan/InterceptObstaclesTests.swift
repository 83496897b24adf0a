import Intercept
import KubeObjects
import Testing

struct InterceptObstaclesTests {
  private func pod(_ name: String, owner: (kind: String, name: String)?, app: String = "web", spec: JSONValue = [:])
    -> JSONValue
  {
    var pod: JSONValue = [
      "metadata": ["name": JSONValue(name), "namespace": "shop", "labels": ["app": JSONValue(app)]], "spec": spec,
    ]
    if let owner {
      pod[path: "metadata", "ownerReferences"] = [reference(owner.kind, owner.name)]
    }
    return pod
  }

  private func replicaSet(_ name: String, of deployment: String) -> JSONValue {
    [
      "metadata": [
        "name": JSONValue(name), "namespace": "shop",
        "ownerReferences": [reference("Deployment", deployment)],
      ]
    ]
  }

  private func reference(_ kind: String, _ name: String) -> JSONValue {
    OwnerReference(apiVersion: "apps/v1", kind: kind, name: name, uid: "u", isController: true).json
  }

  private func service(targetPort: JSONValue = "http", selector: JSONValue = ["app": "web"]) -> JSONValue {
    [
      "metadata": ["name": "web", "namespace": "shop"],
      "spec": ["selector": selector, "ports": [["port": 80, "targetPort": targetPort]]],
    ]
  }

  private let declares: JSONValue = ["containers": [["ports": [["name": "http", "containerPort": 8080]]]]]

  private func obstacle(_ pods: [JSONValue]?, sets: [JSONValue]? = [], service: JSONValue? = nil) -> String? {
    InterceptObstacles(pods: pods, replicaSets: sets).of(service ?? self.service())
  }

  @Test("Pods of one Deployment, in the middle of a rollout")
  func free() {
    let pods = [
      pod("a", owner: ("ReplicaSet", "web-1"), spec: declares),
      pod("b", owner: ("ReplicaSet", "web-2"), spec: declares),
    ]
    #expect(obstacle(pods, sets: [replicaSet("web-1", of: "web"), replicaSet("web-2", of: "web")]) == nil)
    #expect(
      obstacle(pods, sets: [replicaSet("web-1", of: "web"), replicaSet("web-2", of: "other")])?.contains(
        "several owners") == true)
  }

  @Test("Finds what `intercept` would refuse for the Pods")
  func refused() {
    #expect(obstacle([])?.contains("selects no Pods") == true)
    #expect(
      obstacle([pod("a", owner: nil, spec: declares), pod("b", owner: nil, spec: declares)])?.contains("several owners")
        == true)
    #expect(obstacle([pod("a", owner: ("StatefulSet", "web"))])?.contains("targets 'http', which no container") == true)
    #expect(
      obstacle([pod("a", owner: ("StatefulSet", "web"), spec: ["hostNetwork": true])])?.contains("node's network")
        == true)
    #expect(
      obstacle([pod("a", owner: ("StatefulSet", "web"), app: "other", spec: declares)])?.contains("selects no Pods")
        == true)
  }

  @Test("Any one owner will do")
  func owners() {
    for owner in [nil, ("DaemonSet", "web"), ("Job", "web"), ("Rollout", "web")] as [(kind: String, name: String)?] {
      #expect(obstacle([pod("a", owner: owner, spec: declares)]) == nil)
    }
  }

  @Test("Ignores objects that may not be listed; the Service still counts")
  func unknown() {
    #expect(obstacle(nil, sets: nil) == nil)
    #expect(obstacle([pod("a", owner: ("ReplicaSet", "web-1"), spec: declares)], sets: nil) == nil)
    #expect(obstacle(nil, sets: nil, service: service(selector: [:]))?.contains("no selector") == true)
    #expect(obstacle([], service: service(selector: ["app": "web", "devtunnel.dev/agent": "web"])) == nil)
  }
}
