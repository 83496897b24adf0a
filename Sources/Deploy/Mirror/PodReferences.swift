import KubeObjects

/// The Secrets and ConfigMaps that an object requires, with the fields that name them (Kubernetes API,
/// `PodSpec`, `Ingress`, `ServiceAccount`).
struct PodReferences {
  struct Reference: Hashable {
    var kind: String
    var name: String
    var field: String
  }

  private(set) var found: [Reference] = []

  init(_ object: JSONValue) {
    switch object.kind {
    case "Pod": read(object["spec"], "spec")
    case "Ingress":
      for (index, entry) in (object[path: "spec", "tls"]?.elements ?? []).enumerated() {
        add("Secret", entry, "secretName", "spec.tls[\(index)]")
      }
    case "ServiceAccount": pullSecrets(object["imagePullSecrets"], "imagePullSecrets")
    case let kind:
      guard let path = RunLabel.template(of: kind) else { return }
      let template = path.reduce(Optional(object)) { $0?[$1] }
      read(template?["spec"], (path + ["spec"]).joined(separator: "."))
    }
  }

  private mutating func read(_ spec: JSONValue?, _ path: String) {
    guard let spec else { return }
    for kind in ["initContainers", "containers", "ephemeralContainers"] {
      for (index, container) in (spec[kind]?.elements ?? []).enumerated() {
        read(container: container, "\(path).\(kind)[\(index)]")
      }
    }
    for (index, volume) in (spec["volumes"]?.elements ?? []).enumerated() {
      read(volume: volume, "\(path).volumes[\(index)]")
    }
    pullSecrets(spec["imagePullSecrets"], "\(path).imagePullSecrets")
  }

  private mutating func read(container: JSONValue, _ path: String) {
    for (index, entry) in (container["env"]?.elements ?? []).enumerated() {
      let field = "\(path).env[\(index)].valueFrom"
      add("Secret", entry[path: "valueFrom", "secretKeyRef"], "name", "\(field).secretKeyRef")
      add("ConfigMap", entry[path: "valueFrom", "configMapKeyRef"], "name", "\(field).configMapKeyRef")
    }
    for (index, entry) in (container["envFrom"]?.elements ?? []).enumerated() {
      add("Secret", entry["secretRef"], "name", "\(path).envFrom[\(index)].secretRef")
      add("ConfigMap", entry["configMapRef"], "name", "\(path).envFrom[\(index)].configMapRef")
    }
  }

  private mutating func read(volume: JSONValue, _ path: String) {
    add("Secret", volume["secret"], "secretName", "\(path).secret")
    add("ConfigMap", volume["configMap"], "name", "\(path).configMap")
    for (index, source) in (volume[path: "projected", "sources"]?.elements ?? []).enumerated() {
      add("Secret", source["secret"], "name", "\(path).projected.sources[\(index)].secret")
      add("ConfigMap", source["configMap"], "name", "\(path).projected.sources[\(index)].configMap")
    }
    add("Secret", volume[path: "csi", "nodePublishSecretRef"], "name", "\(path).csi.nodePublishSecretRef")
  }

  private mutating func pullSecrets(_ list: JSONValue?, _ path: String) {
    for (index, entry) in (list?.elements ?? []).enumerated() { add("Secret", entry, "name", "\(path)[\(index)]") }
  }

  private mutating func add(_ kind: String, _ source: JSONValue?, _ member: String, _ field: String) {
    guard let source, source["optional"]?.boolValue != true, let name = source[member]?.stringValue, !name.isEmpty
    else { return }
    // Every namespace has this one.
    if kind == "ConfigMap", name == "kube-root-ca.crt" { return }
    found.append(Reference(kind: kind, name: name, field: field))
  }
}
