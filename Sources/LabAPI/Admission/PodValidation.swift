import KubeObjects

/// Mistakes in a Pod's `spec`, also of one in a template.
enum PodValidation {
  static func spec(_ spec: JSONValue?, at path: String) -> [FieldCause] {
    guard let spec else { return [FieldCause(.required, path, "Required value")] }
    let containers = spec["containers"]?.elements ?? []
    guard !containers.isEmpty else { return [FieldCause(.required, "\(path).containers", "Required value")] }
    let volumes = Set((spec["volumes"]?.elements ?? []).compactMap { $0["name"]?.stringValue })
    var causes = VolumeValidation.volumes(spec["volumes"]?.elements ?? [], at: "\(path).volumes")
    causes += pod(spec, at: path)
    var seen: Set<String> = []
    for list in ["initContainers", "containers"] {
      for (index, container) in (spec[list]?.elements ?? []).enumerated() {
        let place = "\(path).\(list)[\(index)]"
        causes += Self.container(container, at: place, volumes: volumes)
        if let name = container["name"]?.stringValue, !seen.insert(name).inserted {
          causes.append(FieldCause(.duplicate, "\(place).name", "Duplicate value: \"\(name)\""))
        }
      }
    }
    if let policy = spec["restartPolicy"]?.stringValue, !["Always", "OnFailure", "Never"].contains(policy) {
      let message = "Unsupported value: \"\(policy)\": supported values: \"Always\", \"Never\", \"OnFailure\""
      causes.append(FieldCause(.notSupported, "\(path).restartPolicy", message))
    }
    return causes
  }

  /// The fields beside containers and volumes.
  private static func pod(_ spec: JSONValue, at path: String) -> [FieldCause] {
    var causes = NumberRules.check(
      spec, ["terminationGracePeriodSeconds", "activeDeadlineSeconds"], at: path)
    for field in ["hostname", "subdomain"] {
      guard let name = spec[field]?.stringValue, !name.isEmpty, !NameRules.isLabel(name[...]) else { continue }
      causes.append(FieldCause(.invalid, "\(path).\(field)", "Invalid value: \"\(name)\": \(NameRules.labelRule)"))
    }
    let security = spec["securityContext"]
    causes += identities(security, at: "\(path).securityContext")
    causes += NumberRules.check(security, ["fsGroup"], at: "\(path).securityContext")
    for (index, group) in (security?["supplementalGroups"]?.elements ?? []).enumerated() {
      guard !(group.intValue.map(NumberRules.counts.contains) ?? false) else { continue }
      causes.append(
        FieldCause(
          .invalid, "\(path).securityContext.supplementalGroups[\(index)]",
          NumberRules.message(group, NumberRules.counts)))
    }
    for (index, item) in (security?["sysctls"]?.elements ?? []).enumerated() {
      let name = item["name"]?.stringValue ?? ""
      guard !NameRules.isSysctl(name) else { continue }
      let rule = "must have at most 253 characters and match regex \(NameRules.sysctlRule)"
      causes.append(
        FieldCause(
          .invalid, "\(path).securityContext.sysctls[\(index)].name", "Invalid value: \"\(name)\": \(rule)"))
    }
    return causes
  }

  private static func identities(_ security: JSONValue?, at path: String) -> [FieldCause] {
    NumberRules.check(security, ["runAsUser", "runAsGroup"], at: path)
  }

  private static let probeNumbers = [
    "initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold",
    "terminationGracePeriodSeconds",
  ]

  /// Its identities, quantities, probes and hooks.
  private static func settings(_ container: JSONValue, at path: String) -> [FieldCause] {
    var causes = identities(container["securityContext"], at: "\(path).securityContext")
    causes += NumberRules.quantities(container["resources"], at: "\(path).resources")
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
      causes += NumberRules.check(container[probe], probeNumbers, at: "\(path).\(probe)")
    }
    for hook in ["postStart", "preStop"] {
      causes += NumberRules.check(
        container[path: "lifecycle", hook, "sleep"], ["seconds"], at: "\(path).lifecycle.\(hook).sleep")
    }
    return causes
  }

  private static func container(_ container: JSONValue, at path: String, volumes: Set<String>) -> [FieldCause] {
    var causes: [FieldCause] = []
    let name = container["name"]?.stringValue ?? ""
    if name.isEmpty {
      causes.append(FieldCause(.required, "\(path).name", "Required value"))
    } else if !NameRules.isLabel(name[...]) {
      causes.append(FieldCause(.invalid, "\(path).name", "Invalid value: \"\(name)\": \(NameRules.labelRule)"))
    }
    if (container["image"]?.stringValue ?? "").isEmpty {
      causes.append(FieldCause(.required, "\(path).image", "Required value"))
    }
    for (index, port) in (container["ports"]?.elements ?? []).enumerated() {
      let number = port["containerPort"]?.intValue ?? 0
      if !(1...65535).contains(number) {
        causes.append(
          FieldCause(
            .invalid, "\(path).ports[\(index)].containerPort",
            "Invalid value: \(number): must be between 1 and 65535, inclusive"))
      }
      let kind = port["protocol"]?.stringValue ?? "TCP"
      if !["TCP", "UDP", "SCTP"].contains(kind) {
        let message = "Unsupported value: \"\(kind)\": supported values: \"SCTP\", \"TCP\", \"UDP\""
        causes.append(FieldCause(.notSupported, "\(path).ports[\(index)].protocol", message))
      }
    }
    causes += settings(container, at: path)
    return causes
      + VolumeValidation.mounts(
        container["volumeMounts"]?.elements ?? [], at: "\(path).volumeMounts", volumes: volumes)
  }

  /// Of a running Pod's spec only images, tolerations, the deadline and the node (once) can change.
  static func update(_ object: JSONValue, over current: JSONValue) -> [FieldCause] {
    func fixed(_ pod: JSONValue) -> JSONValue {
      var spec = pod["spec"] ?? [:]
      for list in ["containers", "initContainers"] { spec.mapElements(of: list) { $0["image"] = nil } }
      for field in ["tolerations", "activeDeadlineSeconds", "ephemeralContainers", "schedulingGates"] {
        spec[field] = nil
      }
      if (current[path: "spec", "nodeName"]?.stringValue ?? "").isEmpty { spec["nodeName"] = nil }
      return spec
    }
    guard fixed(object) != fixed(current) else { return [] }
    return [
      FieldCause(
        .forbidden, "spec",
        "Forbidden: pod updates may not change fields other than "
          + "`spec.containers[*].image`,`spec.initContainers[*].image`,"
          + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)")
    ]
  }
}
