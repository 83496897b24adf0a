import KubeObjects

/// The places of Pod specs in Kubernetes' own kinds (Kubernetes API reference, "Workload Resources").
enum PodSpecs {
  static func path(kind: String, apiVersion: String) -> [String]? {
    let group = apiVersion.contains("/") ? String(apiVersion.prefix { $0 != "/" }) : ""
    guard ["", "apps", "batch", "extensions"].contains(group) else { return nil }
    switch kind {
    case "Pod": return ["spec"]
    case "PodTemplate": return ["template", "spec"]
    case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job":
      return ["spec", "template", "spec"]
    case "CronJob": return ["spec", "jobTemplate", "spec", "template", "spec"]
    default: return nil
    }
  }

  /// Lists whose elements have an image, in any kind: also a Rollout's or a Knative Service's, as for kustomize.
  static let containerLists = ["containers", "initContainers", "ephemeralContainers"]

  /// Calls `change` with each container under `value`.
  static func forEachContainer(in value: inout JSONValue, _ change: (inout JSONValue) -> Void) {
    switch value {
    case .object(var members):
      value = .null
      for key in Array(members.keys) {
        guard var child = members[key] else { continue }
        members[key] = .null
        if containerLists.contains(key), case .array(var containers) = child {
          for index in containers.indices { change(&containers[index]) }
          child = .array(containers)
        }
        forEachContainer(in: &child, change)
        members[key] = child
      }
      value = .object(members)
    case .array(var elements):
      value = .null
      for index in elements.indices { forEachContainer(in: &elements[index], change) }
      value = .array(elements)
    default: break
    }
  }

  /// Kubernetes' own kinds without a namespace.
  static let clusterWide: Set<String> = [
    "Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
    "StorageClass", "PriorityClass", "IngressClass",
    "GatewayClass", "RuntimeClass", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "APIService",
    "CSIDriver", "CSINode", "VolumeAttachment",
    "VolumeAttributesClass", "FlowSchema", "PriorityLevelConfiguration", "CertificateSigningRequest",
    "ClusterTrustBundle", "PodSecurityPolicy", "DeviceClass",
    "ResourceSlice", "ServiceCIDR", "IPAddress", "VolumeSnapshotClass", "VolumeSnapshotContent",
  ]
}
