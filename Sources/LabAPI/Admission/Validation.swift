import KubeObjects
import LabStore

/// Looks for mistakes in objects, with the messages that Kubernetes gives.
enum Validation {
  /// - Throws: `StatusError` (422) with every mistake found.
  static func check(_ object: JSONValue, _ kind: ResourceKind) throws {
    var causes = metadata(object, kind)
    switch kind.resource {
    case .pods: causes += PodValidation.spec(object["spec"], at: "spec")
    case .services: causes += ServiceValidation.spec(object["spec"] ?? [:])
    case .deployments, .replicaSets: causes += workload(object["spec"] ?? [:])
    case .configMaps, .secrets: causes += dataKeys(object)
    case .endpointSlices: causes += ServiceValidation.slice(object)
    default: if kind.group == "apps" { causes += workload(object["spec"] ?? [:]) }
    }
    guard causes.isEmpty else { throw StatusError.invalid(kind, object.name, causes) }
  }

  /// Refuses a change of fields that an update may not change.
  /// - Throws: `StatusError` (422).
  static func checkUpdate(_ object: JSONValue, over current: JSONValue, _ kind: ResourceKind) throws {
    var causes: [FieldCause] = []
    func requireSame(_ path: [String], _ message: String = "field is immutable") {
      let new = path.reduce(Optional(object)) { $0?[$1] }
      let old = path.reduce(Optional(current)) { $0?[$1] }
      if new != old {
        causes.append(FieldCause(.invalid, path.joined(separator: "."), "Invalid value: \(new ?? .null): \(message)"))
      }
    }
    switch kind.resource {
    case .services:
      let isExternal = [object, current].contains { $0[path: "spec", "type"] == "ExternalName" }
      if !isExternal { requireSame(["spec", "clusterIP"], "may not change once set") }
    case .pods: causes += PodValidation.update(object, over: current)
    case .configMaps, .secrets:
      if current["immutable"] == true {
        requireSame(["immutable"], "field is immutable when `immutable` is set")
        requireSame(["data"], "field is immutable when `immutable` is set")
        requireSame(["binaryData"], "field is immutable when `immutable` is set")
      }
      if kind.resource == .secrets { requireSame(["type"]) }
    default: if kind.group == "apps" { requireSame(["spec", "selector"]) }
    }
    guard causes.isEmpty else { throw StatusError.invalid(kind, object.name, causes) }
  }

  // MARK: Metadata

  private static func metadata(_ object: JSONValue, _ kind: ResourceKind) -> [FieldCause] {
    let metadata = object["metadata"] ?? [:]
    return name(object, kind) + labels(metadata["labels"], at: "metadata.labels") + annotations(metadata["annotations"])
  }

  private static func name(_ object: JSONValue, _ kind: ResourceKind) -> [FieldCause] {
    let prefix = object[path: "metadata", "generateName"]?.stringValue ?? ""
    guard !object.name.isEmpty || !prefix.isEmpty else {
      return [FieldCause(.required, "metadata.name", "Required value: name or generateName is required")]
    }
    // The suffix that will follow ends a generated name well.
    let name = object.name.isEmpty ? prefix + "xxxxx" : object.name
    // RBAC names may be any path segment (`system:masters`).
    if kind.group == "rbac.authorization.k8s.io" {
      return name.contains("/") || name.contains("%") ? [badName(name, "may not contain '/' or '%'")] : []
    }
    let isLabel = kind.resource == .services || kind.resource == .namespaces
    if isLabel { return NameRules.isLabel(name[...]) ? [] : [badName(name, NameRules.labelRule)] }
    return NameRules.isSubdomain(name) ? [] : [badName(name, NameRules.subdomainRule)]
  }

  private static func badName(_ name: String, _ rule: String) -> FieldCause {
    FieldCause(.invalid, "metadata.name", "Invalid value: \"\(name)\": \(rule)")
  }

  static func labels(_ labels: JSONValue?, at field: String) -> [FieldCause] {
    (labels?.objectValue ?? [:]).sorted { $0.key < $1.key }.compactMap { key, value in
      guard let text = value.stringValue else {
        return FieldCause(.invalid, field, "Invalid value: \(value): the value of \(key) must be a string")
      }
      if !NameRules.isQualifiedName(key) {
        return FieldCause(
          .invalid, field,
          "Invalid value: \"\(key)\": name part must consist of alphanumeric characters, '-', '_' or '.'")
      }
      guard !NameRules.isLabelValue(text) else { return nil }
      return FieldCause(
        .invalid, field,
        "Invalid value: \"\(text)\": a valid label must be an empty string or consist of alphanumeric characters, '-', "
          + "'_' or '.', and must start and "
          + "end with an alphanumeric character, at most 63 of them")
    }
  }

  private static func annotations(_ annotations: JSONValue?) -> [FieldCause] {
    (annotations?.objectValue ?? [:]).sorted { $0.key < $1.key }.compactMap { key, value in
      value.stringValue == nil
        ? FieldCause(.invalid, "metadata.annotations", "Invalid value: \(value): the value of \(key) must be a string")
        : nil
    }
  }

  // MARK: Workloads and data

  private static func workload(_ spec: JSONValue) -> [FieldCause] {
    var causes: [FieldCause] = []
    let selector = LabelSelector(object: spec["selector"])
    if spec["selector"] == nil {
      causes.append(FieldCause(.required, "spec.selector", "Required value"))
    } else if selector.isEmpty {
      causes.append(
        FieldCause(.invalid, "spec.selector", "Invalid value: {}: empty selector is invalid for deployment"))
    }
    causes += NumberRules.check(
      spec, ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"], at: "spec")
    for field in ["maxSurge", "maxUnavailable"] {
      causes += NumberRules.share(
        spec[path: "strategy", "rollingUpdate", field], at: "spec.strategy.rollingUpdate.\(field)")
    }
    guard let template = spec["template"] else {
      return causes + [FieldCause(.required, "spec.template", "Required value")]
    }
    let labels = template[path: "metadata", "labels"]
    if !selector.isEmpty, !selector.matches(labels?.stringMap ?? [:]) {
      let message = "Invalid value: \(labels ?? [:]): `selector` does not match template `labels`"
      causes.append(FieldCause(.invalid, "spec.template.metadata.labels", message))
    }
    causes += Self.labels(labels, at: "spec.template.metadata.labels")
    causes += PodValidation.spec(template["spec"], at: "spec.template.spec")
    if template[path: "spec", "restartPolicy"] != "Always" {
      let message =
        "Unsupported value: \(template[path: "spec", "restartPolicy"] ?? .null): supported values: \"Always\""
      causes.append(FieldCause(.notSupported, "spec.template.spec.restartPolicy", message))
    }
    return causes
  }

  /// Keys become file names.
  private static func dataKeys(_ object: JSONValue) -> [FieldCause] {
    ["data", "binaryData"].flatMap { field in
      (object[field]?.objectValue ?? [:]).keys.sorted().compactMap { key in
        PathRules.isKey(key)
          ? nil
          : FieldCause(
            .invalid, "\(field)[\(key)]",
            "Invalid value: \"\(key)\": a valid config key must consist of alphanumeric characters, '-', '_' or '.'")
      }
    }
  }
}
