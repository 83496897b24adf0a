import KubeObjects
import LabStore

/// The defaults that Kubernetes' API server fills in, as far as clients, controllers and the node rely on them.
enum Defaults {
  static func apply(to object: inout JSONValue, _ kind: ResourceKind) {
    object["kind"] = .string(kind.kind)
    object["apiVersion"] = .string(kind.apiVersion)
    switch kind.resource {
    case .pods:
      object.withMember("spec", PodDefaults.apply)
      if object["status"] == nil {
        object["status"] = [
          "phase": "Pending", "qosClass": .string(PodDefaults.qualityOfService(object["spec"] ?? [:])),
        ]
      }
    case .services:
      object.withMember("spec", service)
      object.setDefault("status", ["loadBalancer": [:]])
    case .deployments: object.withMember("spec", deployment)
    case .replicaSets:
      object.withMember("spec") { spec in
        spec.setDefault("replicas", 1)
        template(&spec)
      }
    case .namespaces:
      object.setDefault("spec", ["finalizers": ["kubernetes"]])
      object.setDefault("status", ["phase": "Active"])
      let name = object.name
      object.withMember("metadata") {
        $0.withMember("labels") { $0.setDefault("kubernetes.io/metadata.name", .string(name)) }
      }
    case .secrets:
      object.setDefault("type", "Opaque")
      encodeStringData(&object)
    case .endpointSlices: object.mapElements(of: "ports") { port in port.setDefault("protocol", "TCP") }
    default:
      if kind.group == "apps" { object.withMember("spec", template) }
    }
  }

  private static func template(_ spec: inout JSONValue) {
    guard spec["template"]?.objectValue != nil else { return }
    spec.withMember("template") { $0.withMember("spec", PodDefaults.apply) }
  }

  private static func deployment(_ spec: inout JSONValue) {
    spec.setDefault("replicas", 1)
    spec.setDefault("revisionHistoryLimit", 10)
    spec.setDefault("progressDeadlineSeconds", 600)
    spec.withMember("strategy") { strategy in
      strategy.setDefault("type", "RollingUpdate")
      guard strategy["type"] == "RollingUpdate" else { return }
      strategy.withMember("rollingUpdate") { update in
        update.setDefault("maxSurge", "25%")
        update.setDefault("maxUnavailable", "25%")
      }
    }
    template(&spec)
  }

  private static func service(_ spec: inout JSONValue) {
    spec.setDefault("type", "ClusterIP")
    spec.setDefault("sessionAffinity", "None")
    spec.mapElements(of: "ports") { port in
      port.setDefault("protocol", "TCP")
      if port["targetPort"] == nil || port["targetPort"] == 0 || port["targetPort"] == "" {
        port["targetPort"] = port["port"]
      }
    }
    guard spec["type"] != "ExternalName" else { return }
    spec.setDefault("internalTrafficPolicy", "Cluster")
    spec.setDefault("ipFamilies", ["IPv4"])
    spec.setDefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] == "NodePort" || spec["type"] == "LoadBalancer" {
      spec.setDefault("externalTrafficPolicy", "Cluster")
    }
  }

  /// `stringData` is a way to write `data`, and cannot be read back.
  private static func encodeStringData(_ secret: inout JSONValue) {
    guard let plain = secret["stringData"]?.objectValue else { return }
    for (key, value) in plain {
      secret.withMember("data") { $0[key] = .string(Base64.encode(value.stringValue ?? "")) }
    }
    secret["stringData"] = nil
  }
}
