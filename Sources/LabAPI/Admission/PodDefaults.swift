import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The defaults of a Pod's `spec`, also of one in a template.
enum PodDefaults {
  static func apply(to spec: inout JSONValue) {
    spec.setDefault("restartPolicy", "Always")
    spec.setDefault("dnsPolicy", "ClusterFirst")
    spec.setDefault("terminationGracePeriodSeconds", 30)
    spec.setDefault("schedulerName", "default-scheduler")
    spec.setDefault("securityContext", [:])
    spec.setDefault("serviceAccountName", spec["serviceAccount"] ?? "default")
    spec.setDefault("serviceAccount", spec["serviceAccountName"] ?? "default")
    spec.setDefault("enableServiceLinks", true)
    for list in ["containers", "initContainers"] { spec.mapElements(of: list, container) }
    spec.mapElements(of: "volumes", volume)
  }

  private static func container(_ container: inout JSONValue) {
    container.setDefault("terminationMessagePath", "/dev/termination-log")
    container.setDefault("terminationMessagePolicy", "File")
    container.setDefault("resources", [:])
    container.setDefault("imagePullPolicy", .string(pullPolicy(container["image"]?.stringValue ?? "")))
    container.mapElements(of: "ports") { $0.setDefault("protocol", "TCP") }
    container.mapElements(of: "env") { variable in
      guard variable[path: "valueFrom", "fieldRef"] != nil else { return }
      variable.withMember("valueFrom") { $0.withMember("fieldRef") { $0.setDefault("apiVersion", "v1") } }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] where container[probe] != nil {
      container.withMember(probe, Self.probe)
    }
  }

  /// An image without a tag, or with the tag `latest`, is looked for again at each start.
  private static func pullPolicy(_ image: String) -> String {
    if image.contains("@") { return "IfNotPresent" }
    let name = image.split(separator: "/").last ?? ""
    let tag = name.contains(":") ? name.split(separator: ":").last ?? "" : "latest"
    return tag == "latest" ? "Always" : "IfNotPresent"
  }

  private static func probe(_ probe: inout JSONValue) {
    probe.setDefault("periodSeconds", 10)
    probe.setDefault("timeoutSeconds", 1)
    probe.setDefault("successThreshold", 1)
    probe.setDefault("failureThreshold", 3)
    if probe["httpGet"] != nil {
      probe.withMember("httpGet") { request in
        request.setDefault("path", "/")
        request.setDefault("scheme", "HTTP")
      }
    }
  }

  private static func volume(_ volume: inout JSONValue) {
    for source in ["configMap", "secret", "projected", "downwardAPI"] where volume[source] != nil {
      volume.withMember(source) { $0.setDefault("defaultMode", 420) }
    }
  }

  /// Guaranteed: every container limits cpu and memory and requests no less; BestEffort: none asks for anything.
  static func qualityOfService(_ spec: JSONValue) -> String {
    let containers = ["initContainers", "containers"].flatMap { spec[$0]?.elements ?? [] }
    let resources = containers.map { $0["resources"] ?? [:] }
    func amounts(_ resources: JSONValue, _ field: String) -> [String: JSONValue] {
      resources[field]?.objectValue ?? [:]
    }
    if resources.allSatisfy({ amounts($0, "limits").isEmpty && amounts($0, "requests").isEmpty }) {
      return "BestEffort"
    }
    let isGuaranteed = resources.allSatisfy { resources in
      let limits = amounts(resources, "limits")
      let requests = limits.merging(amounts(resources, "requests")) { $1 }
      return ["cpu", "memory"].allSatisfy { limits[$0] != nil && requests[$0] == limits[$0] }
    }
    return isGuaranteed ? "Guaranteed" : "Burstable"
  }
}

enum Base64 {
  static func encode(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
}
