import ControlAPI
import KubeObjects
import Workloads

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
  /// UDP ports whose datagrams it passes to the origin.
  public var datagrams: [UInt16] = []
  /// The container's port behind another container's, by that one's: for `keepsContainers`.
  public var gates: [UInt16: UInt16] = [:]
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
  /// Volumes whose claim no second Pod may mount, or that is another Pod's own.
  public var droppedVolumes: Set<String> = []
  /// True if the Pod's other containers run beside the agent.
  public var keepsContainers = false
  /// The Pod's own name in DNS, below a headless Service.
  public var hostname: String?
  public var subdomain: String?
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

  /// Returns the container that owns the ports: the one named, else the only one that declares any of them, else the
  /// only one. An ordinary container goes before a sidecar, and the Pods' default container before others.
  /// - Parameter ports: of the Pods.
  public static func container(of template: JSONValue, declaring ports: [Int], named name: String?) throws(ControlError)
    -> String
  {
    let names = template.runningContainers.compactMap(\.entryName)
    if let name {
      guard names.contains(name) else {
        throw ControlError(
          .badInput, "the workload has no container '\(name)'", remedy: "Use one of: \(names.joined(separator: ", ")).")
      }
      return name
    }
    func declaring(_ containers: [JSONValue]) -> [String] {
      containers.filter { container in
        (container["ports"]?.elements ?? []).contains { $0["containerPort"]?.intValue.map(ports.contains) ?? false }
      }.compactMap(\.entryName)
    }
    let ordinary = template.ordinaryContainers
    let candidates =
      [declaring(ordinary), declaring(template.sidecars), ordinary.compactMap(\.entryName)]
      .first { !$0.isEmpty } ?? []
    if candidates.count == 1 { return candidates[0] }
    if let named = template.annotations[defaultContainerAnnotation], candidates.contains(named) { return named }
    throw ControlError(
      .badInput, "it is not clear which of the containers \(names.joined(separator: ", ")) serves the port",
      remedy: "Name it with --container.")
  }

  /// Returns a remark on the container whose environment and files are taken, if the user named none of several.
  public static func remark(on container: String, of template: JSONValue) -> [String] {
    let others = template.runningContainers.compactMap(\.entryName).filter { $0 != container }
    guard !others.isEmpty else { return [] }
    return [
      "the environment and files are those of container \(container); "
        + "the Pods also run \(others.joined(separator: ", ")): --container takes another's"
    ]
  }

  /// Makes the Pod template.
  /// - Parameter template: `spec.template` of the workload.
  public func make(from template: JSONValue) -> JSONValue {
    let spec = template["spec"] ?? [:]
    let original = template.runningContainers.first { $0.entryName == containerName } ?? [:]
    var pod: JSONValue = [:]
    for key in Self.keptFields { pod[key] = spec[key] }
    let others = keepsContainers ? others(in: template) : KeptContainers()
    let volumes = volumes(from: spec, mountedBy: [original] + others.all)
    let present = Set(volumes.compactMap(\.entryName))
    pod["containers"] = .array(
      [container(from: original, in: template, volumes: present)] + others.ordinary.map { fitted($0, present) })
    if !others.initial.isEmpty { pod["initContainers"] = .array(others.initial.map { fitted($0, present) }) }
    pod["volumes"] = .array(volumes)
    if neverReady {
      let gates = spec["readinessGates"]?.elements ?? []
      pod["readinessGates"] = .array(gates + [["conditionType": JSONValue(AgentNames.neverCondition)]])
    }
    pod["dnsPolicy"] = "ClusterFirst"
    pod["terminationGracePeriodSeconds"] = 30
    pod["hostname"] = hostname.map { JSONValue($0) }
    pod["subdomain"] = subdomain.map { JSONValue($0) }
    pod["tolerations"] = .array(tolerations(from: spec))
    pod["affinity"] = affinity(from: spec)
    if (listen + datagrams).contains(where: { $0 < 1024 }) {
      var sysctls = (pod[path: "securityContext", "sysctls"]?.elements ?? []).filter { $0.entryName != Self.portSysctl }
      sysctls.append(["name": JSONValue(Self.portSysctl), "value": "0"])
      pod[path: "securityContext", "sysctls"] = .array(sysctls)
    }
    if isRestricted { pod = PodSecurity.restrict(pod, isOwnImage: image == nil) }
    var labels = template.labels
    labels[AgentNames.agentLabel] = AgentNames.label(workload)
    var annotations = template.annotations
    annotations["kubectl.kubernetes.io/restartedAt"] = nil
    annotations[Self.defaultContainerAnnotation] = AgentNames.container
    // It would answer with the origin's figures, which would count twice.
    if annotations[Self.scrapeAnnotation] != nil { annotations[Self.scrapeAnnotation] = "false" }
    annotations[AgentNames.imageAnnotation] = image
    return ["metadata": ["labels": JSONValue(labels), "annotations": JSONValue(annotations)], "spec": pod]
  }

  /// The name of the volume with the program.
  static let volume = "devtunnel-agent"
  /// kubectl's choice of a container.
  private static let defaultContainerAnnotation = "kubectl.kubernetes.io/default-container"
  /// By custom, Prometheus reads the metrics of Pods that have it.
  private static let scrapeAnnotation = "prometheus.io/scrape"
  private static let portSysctl = "net.ipv4.ip_unprivileged_port_start"
  /// Fields of a PodSpec that are copied as they are; the rest is made here or left out.
  private static let keptFields = [
    "automountServiceAccountToken", "enableServiceLinks", "hostAliases", "hostUsers", "imagePullSecrets",
    "nodeSelector", "os",
    "priorityClassName", "readinessGates", "runtimeClassName", "schedulerName", "securityContext", "serviceAccountName",
  ]
  /// Fields of the container that stay.
  private static let keptContainerFields = ["envFrom", "image", "securityContext"]

  private func container(from original: JSONValue, in template: JSONValue, volumes: Set<String>) -> JSONValue {
    var container: JSONValue = ["name": JSONValue(AgentNames.container), "imagePullPolicy": "IfNotPresent"]
    for key in Self.keptContainerFields { container[key] = original[key] }
    if let image { container["image"] = JSONValue(image) }
    let readinessPort = neverReady ? nil : readinessPort(in: template)
    container["command"] = .array(command(readinessPort).map { JSONValue($0) })
    let ports = namedPorts(of: keepsContainers ? original["ports"]?.elements ?? [] : template.declaredPorts)
    container["ports"] = ports.isEmpty ? JSONValue?.none : .array(ports)
    container["env"] = .array(
      variables(of: original, in: template) + [
        [
          "name": "DEVTUNNEL_TOKEN",
          "valueFrom": ["secretKeyRef": ["name": JSONValue(objectsName), "key": "token"]],
        ]
      ])
    let mounts = (original["volumeMounts"]?.elements ?? []).filter { $0.isNamed(oneOf: volumes) && Self.isKept($0) }
    container["volumeMounts"] = .array(
      mounts + [["name": JSONValue(Self.volume), "mountPath": JSONValue(AgentNames.mountPath), "readOnly": true]])
    if let devices = original["volumeDevices"]?.elements {
      let kept = devices.filter { $0.isNamed(oneOf: volumes) }
      container["volumeDevices"] = kept.isEmpty ? JSONValue?.none : .array(kept)
    }
    container["resources"] = AgentResources(needsLimits: needsLimits, limitRanges: limitRanges).object
    // A process in the container for each look costs much: if the answer is known, nobody asks for it.
    guard !neverReady else { return container }
    var probe: JSONValue = ["periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 2]
    if let readinessPort {
      probe["httpGet"] = ["path": "/ready", "port": JSONValue(Int(readinessPort)), "scheme": "HTTP"]
    } else {
      probe["exec"] = [
        "command": [JSONValue(AgentNames.program), "ready", "--control", JSONValue(String(controlPort))]
      ]
    }
    container["readinessProbe"] = probe
    return container
  }

  /// Returns the container's variables. Those about the resources of a container name one that exists here; one that is
  /// read from a file of an init container is left out, as that container is.
  private func variables(of original: JSONValue, in template: JSONValue) -> [JSONValue] {
    (original["env"]?.elements ?? []).compactMap { variable in
      guard let source = variable["valueFrom"] else { return variable }
      if source["fileKeyRef"] != nil { return keepsContainers ? variable : JSONValue?.none }
      guard let reference = source["resourceFieldRef"], let name = variable.entryName else { return variable }
      if let value = ContainerResources.value(reference, of: original, in: template) {
        return ["name": JSONValue(name), "value": JSONValue(value)]
      }
      var variable = variable
      variable[path: "valueFrom", "resourceFieldRef"] = present(reference)
      return variable
    }
  }

  /// Returns a reference to a container's resources that names a container of the agent's Pod: the kubelet starts none
  /// otherwise.
  private func present(_ reference: JSONValue) -> JSONValue {
    guard let name = reference["containerName"]?.stringValue, !keepsContainers || name == containerName else {
      return reference
    }
    var reference = reference
    reference["containerName"] = JSONValue(AgentNames.container)
    return reference
  }

  // MARK: The other containers

  private struct KeptContainers {
    var ordinary: [JSONValue] = []
    var initial: [JSONValue] = []
    var all: [JSONValue] { ordinary + initial }
  }

  /// Returns the containers beside the one that the agent replaces. Init containers are among them: others may read
  /// what they have written.
  private func others(in template: JSONValue) -> KeptContainers {
    func kept(_ containers: [JSONValue]) -> [JSONValue] { containers.filter { $0.entryName != containerName } }
    return KeptContainers(
      ordinary: kept(template.ordinaryContainers),
      initial: kept(template[path: "spec", "initContainers"]?.elements ?? []))
  }

  /// Returns a container as it may run a second time: on no port of the node, without volumes that are not here.
  private func fitted(_ container: JSONValue, _ volumes: Set<String>) -> JSONValue {
    var container = container
    if let variables = container["env"]?.elements {
      container["env"] = .array(
        variables.map { variable in
          guard let reference = variable[path: "valueFrom", "resourceFieldRef"] else { return variable }
          var variable = variable
          variable[path: "valueFrom", "resourceFieldRef"] = present(reference)
          return variable
        })
    }
    for field in ["volumeMounts", "volumeDevices"] {
      guard let mounts = container[field]?.elements else { continue }
      container[field] = .array(mounts.filter { $0.isNamed(oneOf: volumes) })
    }
    if let ports = container["ports"]?.elements { container["ports"] = .array(ports.map(Self.offNode)) }
    return container
  }

  private static func offNode(_ port: JSONValue) -> JSONValue {
    var port = port
    port["hostPort"] = nil
    port["hostIP"] = nil
    return port
  }

  /// Checks that a mount is copied. A shell has no mount whose path is not plain either; one over the agent's own
  /// folder would replace its program.
  private static func isKept(_ mount: JSONValue) -> Bool {
    guard let path = mount["mountPath"]?.stringValue.flatMap({ try? MountPath($0) }),
      let own = try? MountPath(AgentNames.mountPath)
    else { return false }
    return !path.isWithin(own)
  }

  private var objectsName: String { objects ?? AgentNames.base(workload) }

  /// Returns a port for the agent's readiness probe; nil if none of the workload's own probes shows that the node
  /// reaches ports of its Pods, past every mesh and policy.
  private func readinessPort(in template: JSONValue) -> UInt16? {
    let isProbed = template.runningContainers.contains { container in
      ["readinessProbe", "livenessProbe", "startupProbe"].contains { probe in
        ["httpGet", "tcpSocket", "grpc"].contains { container[path: probe, $0] != nil }
      }
    }
    guard isProbed else { return nil }
    let taken = Set(template.declaredPorts.compactMap(\.portNumber)).union(listen + datagrams + [controlPort])
    return (17_801...17_900).first { !taken.contains($0) }
  }

  private func command(_ readinessPort: UInt16?) -> [String] {
    var command = [AgentNames.program, "serve", "--control", String(controlPort)]
    if let readinessPort { command += ["--readiness", String(readinessPort)] }
    if !listen.isEmpty { command += ["--listen", listen.map(String.init).joined(separator: ",")] }
    if !datagrams.isEmpty { command += ["--datagrams", datagrams.map(String.init).joined(separator: ",")] }
    if !gates.isEmpty {
      let pairs = gates.sorted { $0.key < $1.key }.map { "\($0.key),\($0.value)" }
      command += ["--gates", pairs.joined(separator: ",")]
    }
    if let originName, let agentsName { command += ["--origin", originName, "--agents", agentsName] }
    if neverReady { command.append("--never-ready") }
    return command
  }

  /// Returns the ports that have a name, by which Services and monitors find them.
  private func namedPorts(of ports: [JSONValue]) -> [JSONValue] {
    var seen: Set<String> = []
    return ports.compactMap { port in
      guard let name = port.entryName, seen.insert(name).inserted else { return nil }
      return Self.offNode(port)
    }
  }

  /// Returns the volumes that the containers mount, and ours.
  private func volumes(from spec: JSONValue, mountedBy containers: [JSONValue]) -> [JSONValue] {
    let mounted = Set(
      containers.flatMap { ($0["volumeMounts"]?.elements ?? []) + ($0["volumeDevices"]?.elements ?? []) }
        .compactMap(\.entryName))
    let kept = (spec["volumes"]?.elements ?? []).filter { volume in
      guard let name = volume.entryName else { return false }
      return mounted.contains(name) && !droppedVolumes.contains(name)
    }
    let agent: JSONValue = [
      "name": JSONValue(Self.volume),
      "configMap": [
        "name": JSONValue(objectsName), "defaultMode": 0o555,
        "items": [["key": JSONValue("agent-\(architecture.rawValue)"), "path": "agent"]],
      ],
    ]
    return kept.map(volume) + [agent]
  }

  /// Returns a volume as the agent's Pod has it.
  private func volume(_ volume: JSONValue) -> JSONValue {
    // A claim would be made for the agent's Pod, and would be as empty.
    if volume["ephemeral"] != nil { return ["name": volume["name"] ?? .null, "emptyDir": [:]] }
    var volume = volume
    func fit(_ items: JSONValue?) -> JSONValue? {
      guard let items = items?.arrayValue else { return items }
      return .array(
        items.map { item in
          guard let reference = item["resourceFieldRef"] else { return item }
          var item = item
          item["resourceFieldRef"] = present(reference)
          return item
        })
    }
    if volume["downwardAPI"] != nil {
      volume[path: "downwardAPI", "items"] = fit(volume[path: "downwardAPI", "items"])
    }
    if let sources = volume[path: "projected", "sources"]?.arrayValue {
      volume[path: "projected", "sources"] = .array(
        sources.map { source in
          guard source["downwardAPI"] != nil else { return source }
          var source = source
          source[path: "downwardAPI", "items"] = fit(source[path: "downwardAPI", "items"])
          return source
        })
    }
    return volume
  }

  /// Shortens the wait on a lost node: its agent must be replaced in seconds, not in Kubernetes' default of five
  /// minutes.
  private func tolerations(from spec: JSONValue) -> [JSONValue] {
    let lost = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    let kept = (spec["tolerations"]?.elements ?? []).filter { taint in
      !lost.contains { taint["key"]?.stringValue == $0 }
    }
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
