import KubeObjects
import Testing

@testable import Agents

/// A Pod is the agent's where it is made of the agent's template; whose it says it is proves nothing.
struct PodMatchTests {
  private static var template: JSONValue {
    var template = AgentPodTemplate(
      workload: "user", containerName: "user", listen: [8080], controlPort: 17_717, architecture: .amd64)
    template.originName = "devtunnel-user-origin.testbed.svc"
    template.agentsName = "devtunnel-user-agents.testbed.svc"
    return template.make(from: UserWorkload.template)
  }

  struct Change: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// The field that differs; nil where the Pod counts as made.
    let field: String?
    let apply: @Sendable (_ spec: inout JSONValue) -> Void

    init(_ what: String, _ field: String? = nil, _ apply: @escaping @Sendable (inout JSONValue) -> Void) {
      testDescription = what
      self.field = field
      self.apply = apply
    }

    /// A change in the agent's container.
    static func agent(
      _ what: String, _ field: String? = nil, _ apply: @escaping @Sendable (inout JSONValue) -> Void
    ) -> Change {
      Change(what, field.map { "containers[devtunnel-agent].\($0)" }) { spec in
        var containers = spec["containers"]?.elements ?? []
        let index = containers.firstIndex { $0.entryName == AgentNames.container }!
        apply(&containers[index])
        spec["containers"] = .array(containers)
      }
    }
  }

  private static func add(_ element: JSONValue, to list: String, of object: inout JSONValue) {
    object[list] = .array((object[list]?.elements ?? []) + [element])
  }

  private static let tokenMount: JSONValue = [
    "name": "kube-api-access-x7k2p", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true,
  ]

  static let admitted: [Change] = [
    Change("as it was made") { _ in },
    Change("what the API server fills in") { spec in
      spec["restartPolicy"] = "Always"
      spec["nodeName"] = "n1"
      spec["priority"] = 0
      spec["preemptionPolicy"] = "PreemptLowerPriority"
      spec["enableServiceLinks"] = true
      spec["serviceAccount"] = "user"
      add(
        ["key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"],
        to: "tolerations", of: &spec)
    },
    .agent("defaults of the container") {
      $0["terminationMessagePath"] = "/dev/termination-log"
      $0["terminationMessagePolicy"] = "File"
      $0[path: "readinessProbe", "successThreshold"] = 1
    },
    Change("the volume of the ServiceAccount's token") {
      add(["name": "kube-api-access-x7k2p", "projected": ["sources": []]], to: "volumes", of: &$0)
    },
    .agent("its mount") { add(tokenMount, to: "volumeMounts", of: &$0) },
    Change("a sidecar and its init container, before the agent") { spec in
      spec["containers"] = .array([["name": "istio-proxy", "image": "proxyv2:1"]] + spec["containers"]!.elements)
      spec["initContainers"] = [["name": "istio-init", "image": "proxyv2:1"]]
      add(["name": "istio-envoy", "emptyDir": [:]], to: "volumes", of: &spec)
    },
    .agent("other resources and AlwaysPullImages") {
      $0["resources"] = ["limits": ["cpu": "1"]]
      $0["imagePullPolicy"] = "Always"
    },
    .agent("the digest of the image") { $0["image"] = "registry.example/user:1.4@sha256:0f1e" },
    .agent("a variable more") { add(["name": "AWS_REGION", "value": "x"], to: "env", of: &$0) },
    .agent("a variable changed and moved, as an injector does") {
      let (last, rest) = ($0["env"]!.elements.last!, $0["env"]!.elements.dropLast())
      let changed: [JSONValue] = rest.map { ["name": $0["name"]!, "value": "-javaagent:/otel/agent.jar"] }
      $0["env"] = .array([last, ["name": "NODE_OPTIONS", "value": "--require x"]] + changed.reversed())
    },
    .agent("a mount below /etc") { add(["name": "ca", "mountPath": "/etc/ssl/certs"], to: "volumeMounts", of: &$0) },
    .agent("a constraint's user") { $0[path: "securityContext", "runAsUser"] = 1_000_650_000 },
    .agent("less capabilities") { $0[path: "securityContext", "capabilities", "drop"] = ["ALL", "MKNOD"] },
    Change("a constraint's group") { $0[path: "securityContext", "fsGroup"] = 1_000_650_000 },
    Change("a readiness gate and a pull secret") {
      $0["readinessGates"] = [["conditionType": "x"]]
      $0["imagePullSecrets"] = [["name": "pull"]]
    },
    Change("a debugger's container") { $0["ephemeralContainers"] = [["name": "debug", "image": "busybox"]] },
  ]

  static let foreign: [Change] = [
    Change("no containers", "containers") { $0["containers"] = [] },
    Change("no spec", "containers") { $0 = .null },
    Change("a number", "containers") { $0 = 7 },
    Change("the agent under another name", "containers") {
      $0["containers"] = [["name": "user", "image": "registry.example/user:1.4"]]
    },
    Change("two of its name", "containers") { add($0["containers"]!.elements[0], to: "containers", of: &$0) },
    .agent("another image", "image") { $0["image"] = "registry.example/evil:1.4" },
    .agent("another registry's image", "image") { $0["image"] = "evil.example/user:1.4" },
    .agent("another image behind the same beginning", "image") { $0["image"] = "registry.example/user:1.4-evil" },
    .agent("no image", "image") { $0["image"] = nil },
    .agent("another command", "command") { $0["command"] = ["/bin/sh", "-c", "evil"] },
    .agent("a shorter command", "command") { $0["command"] = .array($0["command"]!.elements.dropLast()) },
    .agent("the image's own command", "command") { $0["command"] = nil },
    .agent("arguments", "args") { $0["args"] = ["--listen", "1"] },
    .agent("a hook", "lifecycle") { $0["lifecycle"] = ["postStart": ["exec": ["command": ["/bin/sh"]]]] },
    .agent("a probe more", "livenessProbe") { $0["livenessProbe"] = ["exec": ["command": ["/bin/sh"]]] },
    .agent("another probe", "readinessProbe") { $0["readinessProbe"] = ["exec": ["command": ["/bin/sh"]]] },
    .agent("another token", "env") {
      add(["name": "DEVTUNNEL_TOKEN", "value": "evil"], to: "env", of: &$0)
    },
    .agent("another token in its place", "env") { container in
      container["env"] = .array(container["env"]!.elements.dropLast() + [["name": "DEVTUNNEL_TOKEN", "value": "evil"]])
    },
    .agent("another of our variables", "env") { add(["name": "DEVTUNNEL_X", "value": "x"], to: "env", of: &$0) },
    .agent("no token", "env") { $0["env"] = [] },
    .agent("without the workload's environment", "envFrom") { $0["envFrom"] = nil },
    .agent("another program over ours", "volumeMounts") {
      add(["name": "x", "mountPath": "/devtunnel/agent", "subPath": "agent"], to: "volumeMounts", of: &$0)
    },
    .agent("other name servers", "volumeMounts") {
      add(["name": "x", "mountPath": "/etc/resolv.conf", "subPath": "x"], to: "volumeMounts", of: &$0)
    },
    .agent("other hosts", "volumeMounts") {
      add(["name": "x", "mountPath": "//etc/hosts"], to: "volumeMounts", of: &$0)
    },
    .agent("another /etc", "volumeMounts") { add(["name": "x", "mountPath": "/etc/"], to: "volumeMounts", of: &$0) },
    .agent("another root", "volumeMounts") { add(["name": "x", "mountPath": "/"], to: "volumeMounts", of: &$0) },
    .agent("the same, written otherwise", "volumeMounts") {
      add(["name": "x", "mountPath": "devtunnel//"], to: "volumeMounts", of: &$0)
    },
    .agent("a path with dots", "volumeMounts") {
      add(["name": "x", "mountPath": "/x/../devtunnel"], to: "volumeMounts", of: &$0)
    },
    .agent("another part of our volume", "volumeMounts") {
      $0["volumeMounts"] = .array(
        $0["volumeMounts"]!.elements.dropLast() + [
          ["name": "devtunnel-agent", "mountPath": "/devtunnel", "readOnly": true, "subPath": "evil"]
        ])
    },
    .agent("without our volume", "volumeMounts") { $0["volumeMounts"] = [tokenMount] },
    Change("another ConfigMap for the program", "volumes[devtunnel-agent]") {
      $0["volumes"] = .array(
        $0["volumes"]!.elements.dropLast() + [["name": "devtunnel-agent", "configMap": ["name": "evil"]]])
    },
    Change("no volumes", "volumes[config]") { $0["volumes"] = nil },
    .agent("privilege", "securityContext") { $0[path: "securityContext", "privileged"] = true },
    .agent("a capability", "securityContext") {
      $0[path: "securityContext", "capabilities", "add"] = ["SYS_PTRACE"]
    },
    .agent("escalation", "securityContext") { $0[path: "securityContext", "allowPrivilegeEscalation"] = true },
    .agent("no security context", "securityContext") { $0["securityContext"] = nil },
    .agent("a device", "volumeDevices") { $0["volumeDevices"] = [["name": "x", "devicePath": "/dev/x"]] },
    Change("the Pod as root", "securityContext") { $0[path: "securityContext", "runAsUser"] = 0 },
    Change("another account", "serviceAccountName") { $0["serviceAccountName"] = "admin" },
    Change("no account", "serviceAccountName") { $0["serviceAccountName"] = nil },
    Change("the host's network", "hostNetwork") { $0["hostNetwork"] = true },
    Change("the host's processes", "hostPID") { $0["hostPID"] = true },
    Change("shared processes", "shareProcessNamespace") { $0["shareProcessNamespace"] = true },
    Change("other names", "hostAliases") { $0["hostAliases"] = [["ip": "10.0.0.1", "hostnames": ["x"]]] },
  ]

  @Test("Admission makes no difference; a field that decides about the program does", arguments: admitted + foreign)
  func difference(change: Change) {
    var pod: JSONValue = ["metadata": ["name": "p", "uid": "u"], "spec": Self.template["spec"]!]
    var spec = pod["spec"]!
    change.apply(&spec)
    pod["spec"] = spec
    #expect(PodMatch.difference(pod, from: Self.template) == change.field)
  }

  @Test("A template that names no account or no token's mount is kept to")
  func gateway() {
    var template = Self.template
    template[path: "spec", "serviceAccountName"] = nil
    template[path: "spec", "automountServiceAccountToken"] = false
    var pod = template
    pod[path: "spec", "serviceAccountName"] = "default"
    #expect(PodMatch.difference(pod, from: template) == nil)
    pod[path: "spec", "automountServiceAccountToken"] = true
    #expect(PodMatch.difference(pod, from: template) == "automountServiceAccountToken")
    #expect(PodMatch.difference(pod, from: [:]) == "containers", "no template proves nothing")
  }
}
