import KubeObjects
import Testing

@testable import Agents

/// A running agent is used only if it is the one that would be made.
struct TemplateMatchTests {
  private static var made: JSONValue {
    var template = AgentPodTemplate(
      workload: "user", containerName: "user", listen: [8080], controlPort: 17_717, architecture: .amd64)
    template.originName = "devtunnel-user-origin.testbed.svc"
    template.agentsName = "devtunnel-user-agents.testbed.svc"
    return template.make(from: UserWorkload.template)
  }

  private static let container = ["spec", "containers"]

  private static func inContainer(_ object: inout JSONValue, _ change: (inout JSONValue) -> Void) {
    var container = object[path: "spec", "containers"]![0]!
    change(&container)
    object[path: "spec", "containers"] = [container]
  }

  /// As the API server keeps it.
  private static var defaulted: JSONValue {
    var object = made
    object[path: "metadata", "creationTimestamp"] = .null
    object[path: "spec", "restartPolicy"] = "Always"
    object[path: "spec", "schedulerName"] = "default-scheduler"
    object[path: "spec", "serviceAccount"] = made[path: "spec", "serviceAccountName"]
    inContainer(&object) { container in
      container["terminationMessagePath"] = "/dev/termination-log"
      container["terminationMessagePolicy"] = "File"
      container[path: "readinessProbe", "successThreshold"] = 1
      container["resources"] = ["requests": ["cpu": "1", "memory": "1Gi"]]
    }
    return object
  }

  @Test("Ignores the API server's defaults, the node and the requested resources")
  func same() {
    #expect(TemplateMatch.isSame(Self.made, as: Self.made))
    #expect(TemplateMatch.isSame(Self.defaulted, as: Self.made))
    var elsewhere = Self.defaulted
    elsewhere[path: "spec", "affinity"] = [:]
    elsewhere.annotations["kubectl.kubernetes.io/restartedAt"] = "2026-01-02T03:04:05Z"
    #expect(TemplateMatch.isSame(elsewhere, as: Self.made))
  }

  struct Change: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let apply: @Sendable (inout JSONValue) -> Void

    init(_ what: String, _ apply: @escaping @Sendable (inout JSONValue) -> Void) {
      testDescription = what
      self.apply = apply
    }
  }

  static let attacks: [Change] = [
    Change("another image") { inContainer(&$0) { $0["image"] = "registry.example/evil:1" } },
    Change("arguments") { inContainer(&$0) { $0["args"] = ["x"] } },
    Change("another command") { inContainer(&$0) { $0["command"] = ["/bin/sh"] } },
    Change("a second container") {
      $0[path: "spec", "containers"] = .array(
        $0[path: "spec", "containers"]!.elements + [["name": "x", "image": "evil"]])
    },
    Change("an init container") { $0[path: "spec", "initContainers"] = [["name": "x", "image": "evil"]] },
    Change("a variable more") {
      inContainer(&$0) { $0["env"] = .array($0["env"]!.elements + [["name": "LD_PRELOAD", "value": "/x.so"]]) }
    },
    Change("envFrom") { inContainer(&$0) { $0["envFrom"] = [["secretRef": ["name": "evil"]]] } },
    Change("a volume more") {
      $0[path: "spec", "volumes"] = .array($0[path: "spec", "volumes"]!.elements + [["name": "x", "emptyDir": [:]]])
    },
    Change("another program") {
      let others = $0[path: "spec", "volumes"]!.elements.dropLast()
      $0[path: "spec", "volumes"] = .array(
        others + [["name": "devtunnel-agent", "configMap": ["name": "evil", "defaultMode": 0o555]]])
    },
    Change("a hook") { inContainer(&$0) { $0["lifecycle"] = ["postStart": ["exec": ["command": ["/bin/sh"]]]] } },
    Change("a probe more") { inContainer(&$0) { $0["livenessProbe"] = ["exec": ["command": ["/bin/sh"]]] } },
    Change("the host's network") { $0[path: "spec", "hostNetwork"] = true },
    Change("the host's processes") { $0[path: "spec", "hostPID"] = true },
    Change("shared processes") { $0[path: "spec", "shareProcessNamespace"] = true },
    Change("another account") { $0[path: "spec", "serviceAccountName"] = "admin" },
    Change("another account by its old name") { $0[path: "spec", "serviceAccount"] = "admin" },
    Change("privilege") { inContainer(&$0) { $0["securityContext"] = ["privileged": true] } },
    Change("an annotation that injects") { $0.annotations["sidecar.istio.io/inject"] = "true" },
    Change("a label more") { $0.labels["app"] = "other" },
    Change("no template") { $0 = .null },
    Change("no containers") { $0[path: "spec", "containers"] = [] },
    Change("a number") { $0 = 7 },
  ]

  @Test("Anything else is someone's doing", arguments: attacks)
  func tampered(attack: Change) {
    var object = Self.defaulted
    attack.apply(&object)
    #expect(!TemplateMatch.isSame(object, as: Self.made))
  }

  /// Others use the agent, and a rollout changed these, or admission set other ones for another Pod.
  private static let ofARollout = [
    "another image", "a variable more", "envFrom", "a volume more", "an annotation that injects",
  ]

  @Test(
    "An agent in use may have an older image, environment, volumes and annotations, and nothing else",
    arguments: attacks)
  func inUse(attack: Change) {
    var object = Self.defaulted
    attack.apply(&object)
    let serves = TemplateMatch.serves(object, as: Self.made, selector: ["app": "user"])
    #expect(serves == Self.ofARollout.contains(attack.testDescription))
  }

  @Test("An agent in use must do for the Service, with its ports and the image that was asked for")
  func inUseByAnother() {
    var template = AgentPodTemplate(
      workload: "user", containerName: "user", listen: [8080], controlPort: 17_717, architecture: .amd64)
    let selector = ["app": "user"]
    func serves(_ object: JSONValue, _ selector: [String: String] = selector) -> Bool {
      TemplateMatch.serves(object, as: template.make(from: UserWorkload.template), selector: selector)
    }
    let standing = template.make(from: UserWorkload.template)
    #expect(serves(standing) && !serves(standing, ["app": "user", "tier": "new"]))
    template.image = "debug:1"
    #expect(!serves(standing))
    #expect(TemplateMatch.serves(template.make(from: UserWorkload.template), as: standing, selector: selector))
    template.image = nil
    template.listen = [8080, 9090]
    #expect(!serves(standing))
    template.listen = [8080]
    template.keepsContainers = true
    var two = UserWorkload.template
    two[path: "spec", "containers"] = .array(
      two[path: "spec", "containers"]!.elements + [["name": "gate", "image": "gate:1"]])
    let kept = template.make(from: two)
    #expect(TemplateMatch.serves(kept, as: kept, selector: selector) && !serves(kept))
  }
}
