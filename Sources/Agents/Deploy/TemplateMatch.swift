import KubeObjects

/// Compares the Pod template of a running agent with the template that a new agent would have. The fields that the API
/// server fills in, the nodes and the resources may differ.
enum TemplateMatch {
  /// Checks that both are the same.
  /// - Parameter made: as `AgentPodTemplate.make` makes it.
  static func isSame(_ present: JSONValue, as made: JSONValue) -> Bool {
    guard present.labels == made.labels, unrestarted(present.annotations) == unrestarted(made.annotations) else {
      return false
    }
    return isSame(present["spec"], made["spec"], account: made[path: "spec", "serviceAccountName"])
  }

  /// Checks that a running agent can do the work of a new one: it takes the same connections, for the same Service,
  /// with the same rights. Image, variables, volumes and labels may differ, since a rollout changes them and admission
  /// may set others for each Pod.
  /// - Parameter selector: the Service's, which must go on selecting the agent's Pods.
  static func serves(_ present: JSONValue, as made: JSONValue, selector: [String: String]) -> Bool {
    let containers = made[path: "spec", "containers"]?.elements ?? []
    // Containers beside it may take its connections first.
    guard containers.count == 1, made[path: "spec", "initContainers"] == nil else { return isSame(present, as: made) }
    let labels = present.labels
    guard selector.allSatisfy({ labels[$0.key] == $0.value }),
      labels[AgentNames.agentLabel] == made.labels[AgentNames.agentLabel],
      [nil, present.annotations[AgentNames.imageAnnotation]].contains(made.annotations[AgentNames.imageAnnotation])
    else { return false }
    return isSame(lasting(present), lasting(made), account: made[path: "spec", "serviceAccountName"])
  }

  /// Returns the part of a template's specification that a rollout seldom changes.
  private static func lasting(_ template: JSONValue) -> JSONValue {
    var spec = template["spec"] ?? [:]
    for field in ["imagePullSecrets", "nodeSelector", "priorityClassName", "tolerations"] { spec[field] = nil }
    spec["volumes"] = .array((spec["volumes"]?.elements ?? []).filter(isOurs))
    let containers = (spec["containers"]?.elements ?? []).map { container in
      var container = container
      for field in ["env", "envFrom", "image", "ports", "volumeDevices"] { container[field] = nil }
      container["volumeMounts"] = .array((container["volumeMounts"]?.elements ?? []).filter(isOurs))
      return container
    }
    spec["containers"] = .array(containers)
    return spec
  }

  private static func isOurs(_ volume: JSONValue) -> Bool { volume.entryName == AgentPodTemplate.volume }

  /// Returns annotations without the trace of a restart.
  private static func unrestarted(_ annotations: [String: String]) -> [String: String] {
    annotations.filter { $0.key != "kubectl.kubernetes.io/restartedAt" }
  }

  /// The origin's nodes and the namespace's demands change with time, and neither lets anyone in.
  private static let ignored: Set = ["affinity", "resources"]

  /// The API server's values for absent fields (apimachinery defaults of core/v1). Any other field was set by someone.
  private static let defaults: [String: JSONValue] = [
    "apiVersion": "v1", "defaultMode": 420, "divisor": "0", "expirationSeconds": 3600, "failureThreshold": 3,
    "imagePullPolicy": "IfNotPresent",
    "initialDelaySeconds": 0, "periodSeconds": 10, "protocol": "TCP", "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": [:], "successThreshold": 1, "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "timeoutSeconds": 1, "type": "",
  ]

  /// Compares a part of two templates, or of a Pod and a template.
  static func isSame(_ present: JSONValue?, _ made: JSONValue?) -> Bool {
    isEmpty(present ?? .null) && isEmpty(made ?? .null) || isSame(present, made, account: nil)
  }

  private static func isSame(_ present: JSONValue?, _ made: JSONValue?, account: JSONValue?) -> Bool {
    switch (present ?? .null, made ?? .null) {
    case (.object(let present), .object(let made)):
      return Set(present.keys).union(made.keys).subtracting(ignored).allSatisfy { key in
        guard let wanted = made[key], !isEmpty(wanted) else {
          guard let value = present[key], !isEmpty(value) else { return true }
          return defaults[key] == value || key == "serviceAccount" && value == account
        }
        return isSame(present[key], wanted, account: account)
      }
    case (.array(let present), .array(let made)):
      return present.count == made.count && zip(present, made).allSatisfy { isSame($0, $1, account: account) }
    case (let present, let made): return present == made
    }
  }

  /// The API server drops some of these and keeps others.
  private static func isEmpty(_ value: JSONValue) -> Bool { value == .null || value == [:] || value == [] }
}
