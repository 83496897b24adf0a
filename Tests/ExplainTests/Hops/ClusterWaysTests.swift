import ControlAPI
import Explain
import KubeObjects
import Testing

/// A way in which a request does not arrive: the facts, and the first hop that fails, with words of its detail.
struct Way: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let facts: WayFacts
  let hop: String
  let outcome: WayHop.Outcome
  let words: String

  init(
    _ name: String, _ hop: String, _ words: String, _ outcome: WayHop.Outcome = .failed,
    of facts: WayFacts = Facts.well,
    change: (inout WayFacts) -> Void
  ) {
    testDescription = name
    (self.hop, self.words, self.outcome) = (hop, words, outcome)
    var facts = facts
    change(&facts)
    self.facts = facts
  }

  func check() {
    let order: [WayHop.Outcome] = [.failed, .warning]
    let hops = facts.hops
    let first = order.lazy.compactMap { outcome in hops.first { $0.outcome == outcome } }.first
    #expect(first?.name == hop, "\(hops)")
    #expect(first?.outcome == outcome)
    #expect(first?.detail.contains(words) == true, "\(first?.detail ?? "")")
    #expect(outcome == .ok || first?.remedy != nil || first?.name == "endpoints" || first?.name == "Pods")
  }
}

@Suite("Ways of the cluster")
struct ClusterWaysTests {
  @Test("A Service without an intercept, all of it well")
  func well() {
    let hops = Facts.well.hops
    #expect(hops.map(\.name) == ["Service", "Pods", "target port", "endpoints", "inside", "intercept"])
    #expect(hops.map(\.outcome) == [.ok, .ok, .ok, .ok, .skipped, .skipped])
    #expect(Facts.well.taker == "the Service's own Pods")
    #expect(Facts.well.host == nil)
  }

  static let ways = [
    Way("no such Service", "Service", "there is no Service web in namespace shop") {
      $0.service = nil
      $0.others = ["db"]
    },
    Way("it is in another namespace", "Service", "but there is one in test") {
      $0.service = nil
      $0.elsewhere = ["test"]
    },
    Way("no such port", "Service", "has no TCP port grpc") { $0.wantedPort = "grpc" },
    Way("a name for something outside", "Service", "is a name for db.example", .warning) {
      $0.service = ["metadata": ["name": "web"], "spec": ["type": "ExternalName", "externalName": "db.example"]]
    },
    Way("the selector selects nothing", "Pods", "app=wob, selects no Pod and no workload") {
      $0.service = Facts.service(selector: ["app": "wob"])
      $0.slices = []
    },
    Way("scaled to 0", "Pods", "Deployment/web is scaled to 0") {
      $0.pods = []
      $0.slices = []
      $0.workloads = [Facts.deployment(replicas: 0)]
    },
    Way("a quota", "Pods", "exceeded quota: small") {
      $0.pods = []
      $0.slices = []
      $0.workloads.append([
        "kind": "ReplicaSet",
        "metadata": [
          "name": "web-1", "uid": "uid-set",
          "ownerReferences": [
            OwnerReference(
              apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "uid-deployment", isController: true
            ).json
          ],
        ],
        "status": [
          "conditions": [
            ["type": "ReplicaFailure", "status": "True", "message": "pods is forbidden: exceeded quota: small"]
          ]
        ],
      ])
    },
    Way("the Pods are not ready", "Pods", "container web runs and is not ready: Readiness probe failed: 503") {
      $0.pods = [Facts.pod("web-a", state: ["running": [:]])]
      $0.slices = [Facts.slice(["web-a"], ready: false)]
      $0.events = [Facts.warning(about: "web-a", "Unhealthy", "Readiness probe failed: 503")]
    },
    Way("one of the Pods is not ready", "Pods", "1 of 2 Pods", .warning) {
      $0.pods = [Facts.pod("web-a"), Facts.pod("web-b", state: ["running": [:]])]
      $0.slices = [Facts.slice(["web-a"])]
    },
    Way("a crash loop", "Pods", "container web: CrashLoopBackOff") {
      $0.pods = [Facts.pod("web-a", state: ["waiting": ["reason": "CrashLoopBackOff"]])]
      $0.slices = [Facts.slice(["web-a"], ready: false)]
    },
    Way("a program that is missing", "Pods", "RunContainerError, it ended with exit code 128 (no such file)") {
      let state: JSONValue = ["waiting": ["reason": "RunContainerError", "message": "no such file"]]
      var pod = Facts.pod("web-a", state: state)
      let last: JSONValue = ["terminated": ["exitCode": 128, "message": "no such file"]]
      pod["status"]?["containerStatuses"] = [
        ["name": "web", "ready": false, "restartCount": 3, "state": state, "lastState": last]
      ]
      $0.pods = [pod]
      $0.slices = [Facts.slice(["web-a"], ready: false)]
    },
    Way("an image that cannot be pulled", "Pods", "ImagePullBackOff, no such image") {
      $0.pods = [Facts.pod("web-a", state: ["waiting": ["reason": "ImagePullBackOff", "message": "no such image"]])]
      $0.slices = [Facts.slice(["web-a"], ready: false)]
    },
    Way("a target port's name that no container has", "target port", "named web, which no container declares") {
      $0.service = Facts.service(target: "web")
      $0.slices = [Facts.slice(["web-a", "web-b"], port: nil)]
    },
    Way("a target port's number that no container declares", "target port", "no container declares", .warning) {
      $0.service = Facts.service(target: 9999)
    },
    Way("a target port on which nothing listens", "target port", "nothing in the Pods listens on port 9999") {
      $0.service = Facts.service(target: 9999)
      $0.podAnswer = .refused
    },
    Way("no ready endpoint, though the Pods are", "endpoints", "no endpoint of Service web is ready") {
      $0.slices = [Facts.slice(["web-a"], ready: false)]
    },
    Way("no endpoints", "endpoints", "has no endpoints") { $0.slices = [] },
    Way("a NetworkPolicy that lets nobody in", "inside", "NetworkPolicy deny lets nobody in", .warning) {
      $0.policies = [["metadata": ["name": "deny"], "spec": ["podSelector": [:], "policyTypes": ["Ingress"]]]]
    },
    Way("a NetworkPolicy that is enforced", "inside", "got no answer in time") {
      $0.policies = [["metadata": ["name": "deny"], "spec": ["podSelector": [:], "policyTypes": ["Ingress"]]]]
      $0.inside = .tried(pod: "gateway", address: "10.0.0.7:80", .timedOut, milliseconds: 3000)
    },
  ]

  @Test("A failure before any intercept", arguments: ways)
  func fails(way: Way) { way.check() }

  @Test("A target port that nothing declares and a Pod answers is no fault")
  func undeclared() {
    var facts = Facts.well
    facts.service = Facts.service(target: 9999)
    facts.podAnswer = .connected
    #expect(!facts.hops.contains { $0.outcome == .failed || $0.outcome == .warning })
  }

  @Test("A port that clients reach by TLS", arguments: [("https", 8443, true), ("http", 443, false), ("x", 443, true)])
  func expectsTLS(name: String, number: Int, expected: Bool) {
    var facts = Facts.intercepted
    facts.service?["spec"]?["ports"] = [["name": JSONValue(name), "port": JSONValue(number)]]
    facts.own?.ports[0].service = number
    #expect(facts.host?.expectsTLS == expected)
  }
}
