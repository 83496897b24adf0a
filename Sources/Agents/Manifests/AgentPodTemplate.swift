import ControlAPI
import KubeObjects

/// The agent's Pod, made of the workload's own Pod template. Its environment and files are the workload's, and whatever
/// looks at labels, ServiceAccount or security context treats it alike.
public struct AgentPodTemplate: Sendable {
  public var workload: String
  /// The name of the agent's Secret and ConfigMap; nil for the Deployment's own.
  var objects: String?
  /// The container that the agent replaces.
  public var containerName: String
  /// Target ports on which it takes connections.
  public var listen: [UInt16]
  /// On the Pod's loopback.
  public var controlPort: UInt16
  /// An image other than the container's own; nil keeps that.
  public var image: String?
  /// DNS names of the two headless Services up to `svc`; the agent knows the cluster's domain. Nil without a workload.
  public var originName: String?
  /// Keeps the Pod from becoming ready: no Service sends it traffic.
  public var agentsName: String?
  public var neverReady = false
  /// The origin's nodes, which have the image.
  public var preferredNodes: [String] = []
  /// The node to which a ReadWriteOnce claim ties the Pod.
  public var requiredNode: String?
  /// Volumes whose claim no second Pod may mount (ReadWriteOncePod).
  public var droppedVolumes: Set<String> = []
  public var architecture: Architecture
  /// True if a quota demands limits.
  public var needsLimits = false
  var limitRanges = LimitRanges()
  /// True if the namespace refuses Pods that are not `restricted`.
  var isRestricted = false

  public init(
    workload: String, containerName: String, listen: [UInt16], controlPort: UInt16, architecture: Architecture
  ) {
    self.workload = workload
    self.containerName = containerName
    self.listen = listen
    self.controlPort = controlPort
    self.architecture = architecture
  }

  /// Returns the container that owns the ports: the one named, the only one, else the only one that declares any of
  /// them.
  public static func container(of template: JSONValue, declaring ports: [Int], named name: String?) throws(ControlError)
    -> String
  {
    let containers = template[path: "spec", "containers"]?.elements ?? []
    let names = containers.compactMap(\.entryName)
    if let name {
      guard names.contains(name) else {
        throw ControlError(
          .badInput, "the workload has no container '\(name)'", remedy: "Use one of: \(names.joined(separator: ", ")).")
      }
      return name
    }
    if names.count == 1 { return names[0] }
    let declaring = containers.filter { container in
      (container["ports"]?.elements ?? []).contains { $0["containerPort"]?.intValue.map(ports.contains) ?? false }
    }
    guard declaring.count == 1, let only = declaring[0].entryName else {
      throw ControlError(
        .badInput, "it is not clear which of the containers \(names.joined(separator: ", ")) serves the port",
        remedy: "Name it with --container.")
    }
    return only
  }

  /// Makes the Pod template.
  /// - Parameter template: `spec.template` of the workload.
  public func make(from template: JSONValue) -> JSONValue {
    let spec = template["spec"] ?? [:]
    let containers = spec["containers"]?.elements ?? []
    let original = containers.first { $0.entryName == containerName } ?? [:]
    var pod: JSONValue = [:]
    for key in Self.keptFields { pod[key] = spec[key] }
    pod["containers"] = [container(from: original, ports: namedPorts(of: containers))]
    pod["volumes"] = .array(volumes(from: spec, mountedBy: original))
    pod["dnsPolicy"] = "ClusterFirst"
    pod["terminationGracePeriodSeconds"] = 30
    pod["tolerations"] = .array(tolerations(from: spec))
    pod["affinity"] = affinity(from: spec)
    if listen.contains(where: { $0 < 1024 }) {
      var sysctls = (pod[path: "securityContext", "sysctls"]?.elements ?? []).filter { $0.entryName != Self.portSysctl }
      sysctls.append(["name": JSONValue(Self.portSysctl), "value": "0"])
      pod[path: "securityContext", "sysctls"] = .array(sysctls)
    }
    if isRestricted { pod = PodSecurity.restrict(pod, isOwnImage: image == nil) }
    var labels = template.labels
    labels[AgentNames.agentLabel] = AgentNames.label(workload)
    var annotations = template.annotations
    annotations["kubectl.kubernetes.io/restartedAt"] = nil
    annotations["kubectl.kubernetes.io/default-container"] = AgentNames.container
    annotations[AgentNames.imageAnnotation] = image
    return ["metadata": ["labels": JSONValue(labels), "annotations": JSONValue(annotations)], "spec": pod]
  }

  private static let portSysctl = "net.ipv4.ip_unprivileged_port_start"
  /// Fields of a PodSpec that are copied as they are; the rest is made here or left out.
  private static let keptFields = [
    "automountServiceAccountToken", "enableServiceLinks", "hostAliases", "hostUsers", "imagePullSecrets",
    "nodeSelector", "os",
    "priorityClassName", "readinessGates", "runtimeClassName", "schedulerName", "securityContext", "serviceAccountName",
  ]
  /// Fields of the container that stay.
  private static let keptContainerFields = ["env", "envFrom", "image", "securityContext", "volumeDevices"]

  private func container(from original: JSONValue, ports: [JSONValue]) -> JSONValue {
    var container: JSONValue = ["name": JSONValue(AgentNames.container), "imagePullPolicy": "IfNotPresent"]
    for key in Self.keptContainerFields { container[key] = original[key] }
    if let image { container["image"] = JSONValue(image) }
    container["command"] = .array(command.map { JSONValue($0) })
    container["ports"] = ports.isEmpty ? JSONValue?.none : .array(ports)
    container["env"] = .array(
      (original["env"]?.elements ?? []) + [
        [
          "name": "DEVTUNNEL_TOKEN",
          "valueFrom": ["secretKeyRef": ["name": JSONValue(objectsName), "key": "token"]],
        ]
      ])
    let mounts = (original["volumeMounts"]?.elements ?? []).filter {
      !droppedVolumes.contains($0.entryName ?? "") && Self.isKept($0)
    }
    container["volumeMounts"] = .array(
      mounts + [["name": "devtunnel-agent", "mountPath": JSONValue(AgentNames.mountPath), "readOnly": true]])
    container["resources"] = AgentResources(needsLimits: needsLimits, limitRanges: limitRanges).object
    container["readinessProbe"] = [
      "exec": ["command": [JSONValue(AgentNames.program), "ready", "--control", JSONValue(String(controlPort))]],
      "periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 2,
    ]
    return container
  }

  /// Checks that a mount is copied. A shell has no mount whose path is not plain either; one over the agent's own
  /// folder would replace its program.
  private static func isKept(_ mount: JSONValue) -> Bool {
    guard let path = try? MountPath(mount["mountPath"]?.stringValue ?? ""),
      let own = try? MountPath(AgentNames.mountPath)
    else { return false }
    return !path.isWithin(own)
  }

  private var objectsName: String { objects ?? AgentNames.base(workload) }

  private var command: [String] {
    var command = [AgentNames.program, "serve", "--control", String(controlPort)]
    if !listen.isEmpty { command += ["--listen", listen.map(String.init).joined(separator: ",")] }
    if let originName, let agentsName { command += ["--origin", originName, "--agents", agentsName] }
    if neverReady { command.append("--never-ready") }
    return command
  }

  /// Returns every named port of every container: Services and monitors find them by name.
  private func namedPorts(of containers: [JSONValue]) -> [JSONValue] {
    var seen: Set<String> = []
    return containers.flatMap { $0["ports"]?.elements ?? [] }.compactMap { port in
      guard let name = port.entryName, seen.insert(name).inserted else { return nil }
      var kept = port
      kept["hostPort"] = nil
      kept["hostIP"] = nil
      return kept
    }
  }

  /// Returns the volumes that the container mounts, and ours.
  private func volumes(from spec: JSONValue, mountedBy container: JSONValue) -> [JSONValue] {
    let mounted = Set(
      ((container["volumeMounts"]?.elements ?? []) + (container["volumeDevices"]?.elements ?? [])).compactMap(
        \.entryName))
    let kept = (spec["volumes"]?.elements ?? []).filter { volume in
      guard let name = volume.entryName else { return false }
      return mounted.contains(name) && !droppedVolumes.contains(name)
    }
    let agent: JSONValue = [
      "name": "devtunnel-agent",
      "configMap": [
        "name": JSONValue(objectsName), "defaultMode": 0o555,
        "items": [["key": JSONValue("agent-\(architecture.rawValue)"), "path": "agent"]],
      ],
    ]
    return kept + [agent]
  }

  /// Shortens the wait on a lost node: its agent must be replaced in seconds, not in Kubernetes' default of five
  /// minutes.
  private func tolerations(from spec: JSONValue) -> [JSONValue] {
    let lost = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    let kept = (spec["tolerations"]?.elements ?? []).filter { !lost.contains($0["key"]?.stringValue ?? "") }
    return kept
      + lost.map { ["key": JSONValue($0), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5] }
  }

  private func affinity(from spec: JSONValue) -> JSONValue? {
    var affinity = spec["affinity"] ?? [:]
    affinity[path: "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"] = nil
    if affinity["podAntiAffinity"]?.objectValue?.isEmpty == true { affinity["podAntiAffinity"] = nil }
    if !preferredNodes.isEmpty {
      let key = "preferredDuringSchedulingIgnoredDuringExecution"
      let preferred = affinity[path: "nodeAffinity", key]?.elements ?? []
      let ours: [JSONValue] = preferredNodes.prefix(10).map {
        ["weight": 100, "preference": ["matchFields": [Self.isNode($0)]]]
      }
      affinity[path: "nodeAffinity", key] = .array(preferred + ours)
    }
    let key = "requiredDuringSchedulingIgnoredDuringExecution"
    var terms = affinity[path: "nodeAffinity", key, "nodeSelectorTerms"]?.elements ?? [[:]]
    terms = terms.map { term in
      var term = term
      let architectureIs: JSONValue = [
        "key": "kubernetes.io/arch", "operator": "In", "values": [JSONValue(architecture.rawValue)],
      ]
      term["matchExpressions"] = .array((term["matchExpressions"]?.elements ?? []) + [architectureIs])
      if let requiredNode {
        term["matchFields"] = .array((term["matchFields"]?.elements ?? []) + [Self.isNode(requiredNode)])
      }
      return term
    }
    affinity[path: "nodeAffinity", key, "nodeSelectorTerms"] = .array(terms)
    return affinity
  }

  private static func isNode(_ name: String) -> JSONValue {
    ["key": "metadata.name", "operator": "In", "values": [JSONValue(name)]]
  }
}

extension JSONValue {
  /// `name` of an element in a Kubernetes list: a container, a port, a volume.
  public var entryName: String? { self["name"]?.stringValue }
}
