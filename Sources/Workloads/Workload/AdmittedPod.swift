import KubeObjects

/// A Pod as the cluster has admitted it, and the Pod template that agents are made of it.
///
/// Admission may add to what the owner's template says: variables and volumes of a workload identity, for one. The Pod
/// has those. The fields that the scheduler, the kubelet, controllers and Kubernetes' own admission add belong to this
/// Pod alone, and are left out here.
struct AdmittedPod: Sendable {
  let pod: JSONValue
  /// The owner's own Pod template; nil if it is not known. Containers that it lacks were injected, and go: the webhook
  /// that made them sees the agent's Pod, too.
  var declared: JSONValue?
  /// Label keys that stay although a controller made them, since the Service's selector names them.
  var neededLabels: Set<String> = []

  // MARK: The choice of a Pod

  /// Picks the Pod that represents a workload's: of the present revision if possible, ready before running before
  /// others. Of these, the oldest: it is the same the next time, too. If no revision is known, the newest.
  /// - Parameters:
  ///   - pods: living ones.
  ///   - revision: the label that Pods of the present revision have.
  static func pick(_ pods: [JSONValue], revision: (key: String, value: String)?) -> JSONValue? {
    func rank(_ pod: JSONValue) -> Int {
      let isPresent = revision.map { pod.labels[$0.key] == $0.value } ?? false
      return (pod.phase == "Running" ? 4 : 0) + (isPresent ? 2 : 0) + (pod.isReady ? 1 : 0)
    }
    return pods.max { one, other in
      if rank(one) != rank(other) { return rank(one) < rank(other) }
      return revision == nil ? one.isOlder(than: other) : other.isOlder(than: one)
    }
  }

  // MARK: The template

  /// The Pod as a Pod template.
  var template: JSONValue {
    let labels = pod.labels.filter { isLasting(label: $0.key) }
    let annotations = declared?.annotations ?? pod.annotations.filter { !Self.isGenerated(annotation: $0.key) }
    var spec = pod["spec"] ?? [:]
    for field in Self.ownFields { spec[field] = nil }
    let token = tokenVolumes
    let injected = injectedScratch
    let left = token.union(injected)
    for list in ["containers", "initContainers"] {
      guard let containers = spec[list]?.arrayValue else { continue }
      let known = declared.map { Set(($0[path: "spec", list]?.elements ?? []).compactMap(\.entryName)) }
      let kept = containers.filter { container in known.map(container.isNamed) ?? true }
      spec[list] = .array(kept.map { container($0, less: left, labels, annotations) })
    }
    spec["volumes"] = .array((spec["volumes"]?.elements ?? []).filter { !$0.isNamed(oneOf: left) })
    if let own = declared?["spec"] {
      for field in Self.placement { spec[field] = own[field] }
    } else {
      spec["affinity"] = Self.lasting(affinity: spec["affinity"])
      spec["tolerations"] = .array((spec["tolerations"]?.elements ?? []).filter { !Self.isGenerated(toleration: $0) })
    }
    return ["metadata": ["labels": JSONValue(labels), "annotations": JSONValue(annotations)], "spec": spec]
  }

  /// Fields of this Pod alone: its node, its name in DNS, what admission computes from other fields, what was added to
  /// it while it ran.
  private static let ownFields = [
    "ephemeralContainers", "hostname", "nodeName", "overhead", "preemptionPolicy", "priority", "schedulingGates",
    "serviceAccount", "setHostnameAsFQDN", "subdomain",
  ]
  /// Fields by which it is scheduled, which controllers add to (DaemonSets: one node alone).
  private static let placement = ["affinity", "tolerations", "topologySpreadConstraints"]

  private func isLasting(label key: String) -> Bool {
    if neededLabels.contains(key) { return true }
    // A Job's own template has them, since the API server puts them there.
    if Self.isJobs(label: key) { return false }
    return declared?.labels[key] != nil || !Self.isGenerated(label: key)
  }

  private static func isJobs(label key: String) -> Bool {
    ["controller-uid", "job-name"].contains(key) || key.hasPrefix("batch.kubernetes.io/")
  }

  /// Labels that controllers and Kubernetes' admission put on each Pod (Kubernetes documentation, "Well-Known Labels").
  static func isGenerated(label key: String) -> Bool {
    generatedLabels.contains(key) || isJobs(label: key) || key.hasPrefix("apps.kruise.io/")
  }

  private static let generatedLabels: Set<String> = [
    "apps.kubernetes.io/pod-index", "controller-revision-hash", "pod-template-generation", "pod-template-hash",
    "rollouts-pod-template-hash", "statefulset.kubernetes.io/pod-name",
    "topology.kubernetes.io/region", "topology.kubernetes.io/zone",
  ]

  /// Annotations that network plugins, kubelet, admission and kubectl put on a Pod. Some name its addresses.
  static func isGenerated(annotation key: String) -> Bool {
    generatedAnnotations.contains(key)
      || ["batch.kubernetes.io/", "kubernetes.io/config.", "k8s.ovn.org/", "ovn.kubernetes.io/"].contains(
        where: key.hasPrefix)
  }

  private static let generatedAnnotations: Set<String> = [
    "cni.projectcalico.org/containerID", "cni.projectcalico.org/podIP", "cni.projectcalico.org/podIPs",
    "k8s.v1.cni.cncf.io/network-status", "k8s.v1.cni.cncf.io/networks-status",
    "kubectl.kubernetes.io/last-applied-configuration", "kubernetes.io/limit-ranger", "kubernetes.io/psp",
    "openshift.io/scc", "sidecar.istio.io/status", "vault.hashicorp.com/agent-inject-status",
  ]

  // MARK: Containers

  private func container(
    _ container: JSONValue, less left: Set<String>, _ labels: [String: String], _ annotations: [String: String]
  ) -> JSONValue {
    var container = container
    let variables = container["env"]?.elements ?? []
    if let mounts = container["volumeMounts"]?.elements {
      container["volumeMounts"] = .array(mounts.filter { !$0.isNamed(oneOf: left) }.map { place($0, variables) })
    }
    if !variables.isEmpty {
      container["env"] = .array(variables.map { literal($0, container, labels, annotations) })
    }
    return container
  }

  /// Returns a variable with its value if it names a label or annotation that is left out, or a container's resources.
  private func literal(
    _ variable: JSONValue, _ container: JSONValue, _ labels: [String: String], _ annotations: [String: String]
  ) -> JSONValue {
    let source = variable["valueFrom"]
    var value: String?
    if let path = source?[path: "fieldRef", "fieldPath"]?.stringValue {
      let isLeft = [("metadata.labels['", labels), ("metadata.annotations['", annotations)].contains { start, kept in
        path.hasPrefix(start) && kept[String(path.dropFirst(start.count).dropLast(2))] == nil
      }
      if isLeft { value = PodField.value(path, of: pod) }
    } else if let reference = source?["resourceFieldRef"] {
      value = ContainerResources.value(reference, of: container, in: pod)
    }
    guard let value, let name = variable.entryName else { return variable }
    return ["name": JSONValue(name), "value": JSONValue(VariableExpansion.escaped(value))]
  }

  /// Returns a mount whose `subPathExpr` names this Pod with this Pod's values, where the volume outlives it: another
  /// name would make a folder in it that stays, and not have the workload's files.
  private func place(_ mount: JSONValue, _ variables: [JSONValue]) -> JSONValue {
    guard let expression = mount["subPathExpr"]?.stringValue, !expression.contains("$$"),
      let volume = (pod[path: "spec", "volumes"]?.elements ?? []).first(where: { $0.entryName == mount.entryName }),
      !Self.passing.contains(where: { volume[$0] != nil })
    else { return mount }
    var own: [String: String] = [:]
    for variable in variables {
      guard let name = variable.entryName else { continue }
      own[name] = nil
      if let path = variable[path: "valueFrom", "fieldRef", "fieldPath"]?.stringValue, Self.identity.contains(path) {
        own[name] = PodField.value(path, of: pod)
      } else if let text = variable["value"]?.stringValue, own.keys.contains(where: { text.contains("$(\($0))") }) {
        // The rest of it may be a ConfigMap's, which only the kubelet reads.
        let expanded = VariableExpansion.expand(text, own, limit: VariableExpansion.longestString)
        if let expanded, !expanded.contains("$(") { own[name] = expanded }
      }
    }
    var mount = mount
    guard let expanded = VariableExpansion.expand(expression, own, limit: VariableExpansion.longestString) else {
      return mount
    }
    mount["subPathExpr"] = JSONValue(expanded)
    return mount
  }

  /// Fields that differ from Pod to Pod of a workload.
  private static let identity: Set<String> = [
    "metadata.name", "metadata.uid", "spec.nodeName", "status.hostIP", "status.hostIPs", "status.podIP",
    "status.podIPs",
  ]
  /// Kinds of volumes that go with their Pod, or that nobody writes to.
  private static let passing = ["configMap", "downwardAPI", "emptyDir", "ephemeral", "image", "projected", "secret"]

  // MARK: Volumes

  /// The ServiceAccount's token, which Kubernetes' admission adds to each Pod.
  private var tokenVolumes: Set<String> {
    let mounts = pod.runningContainers.flatMap { $0["volumeMounts"]?.elements ?? [] }
    let names = mounts.filter { $0["mountPath"]?.stringValue == "/var/run/secrets/kubernetes.io/serviceaccount" }
      .compactMap(\.entryName)
    return Set(names.filter { $0.hasPrefix("kube-api-access-") || $0.contains("-token-") }).subtracting(declaredVolumes)
  }

  private var declaredVolumes: Set<String> {
    Set((declared?[path: "spec", "volumes"]?.elements ?? []).compactMap(\.entryName))
  }

  /// Empty folders that admission added: an injected container fills them, which is left out here. The webhook adds
  /// both to the agent's Pod again.
  private var injectedScratch: Set<String> {
    guard declared != nil else { return [] }
    let volumes = (pod[path: "spec", "volumes"]?.elements ?? []).filter { $0["emptyDir"] != nil }
    return Set(volumes.compactMap(\.entryName)).subtracting(declaredVolumes)
  }

  // MARK: Scheduling

  /// Returns an affinity without the node to which a DaemonSet's controller ties a Pod.
  private static func lasting(affinity: JSONValue?) -> JSONValue? {
    guard var affinity else { return nil }
    let key = "requiredDuringSchedulingIgnoredDuringExecution"
    guard let terms = affinity[path: "nodeAffinity", key, "nodeSelectorTerms"]?.elements else { return affinity }
    let kept = terms.compactMap { term -> JSONValue? in
      var term = term
      let fields = (term["matchFields"]?.elements ?? []).filter { $0["key"]?.stringValue != "metadata.name" }
      term["matchFields"] = fields.isEmpty ? JSONValue?.none : .array(fields)
      return term == [:] ? JSONValue?.none : term
    }
    affinity[path: "nodeAffinity", key] =
      kept.isEmpty ? JSONValue?.none : ["nodeSelectorTerms": .array(kept)]
    if affinity["nodeAffinity"] == [:] { affinity["nodeAffinity"] = nil }
    return affinity == [:] ? JSONValue?.none : affinity
  }

  /// Checks for tolerations of a node's states, which admission and the DaemonSets' controller add.
  private static func isGenerated(toleration: JSONValue) -> Bool {
    toleration["key"]?.stringValue?.hasPrefix("node.kubernetes.io/") ?? false
  }
}
