import ControlAPI
import KubeAPI
import KubeObjects
import Logging
import Workloads

/// An agent without a workload: the route into a namespace for `forward` and for a plain shell. It runs in the image of
/// some running Pod, since that Pod's node has the image.
public struct Gateway: Sendable {
  /// The image to run in; nil takes a running Pod's.
  private let own: OwnAgent
  public var image: String?

  public init(
    client: KubeClient, installation: Installation, cluster: ClusterIdentity, namespace: String, holder: Holder,
    records: AgentRecords, image: String? = nil,
    willMake: @escaping @Sendable (_ workload: String) throws(ControlError) -> Void
  ) {
    self.image = image
    own = OwnAgent(
      client: client, installation: installation, cluster: cluster, namespace: namespace, holder: holder,
      records: records,
      purpose: image.map { "gateway \($0)" } ?? "gateway", prefix: "gateway-", willMake: willMake)
  }

  private var client: KubeClient { own.client }
  public var namespace: String { own.namespace }
  var key: String { own.key }
  /// The agent's name, such as `gateway-0f1e2d3c4b5a6978`; nil before it has one.
  public var workload: String? { own.workload }

  /// Returns the gateway that this installation has made, else makes a new one.
  public func ensure(progress: Engine.Progress?) async throws(ControlError) -> AgentIdentity {
    try await own.ensure("the gateway", progress: progress) { workload throws(ControlError) in
      let host = try await hostPod()
      try await Permission.require(Permission.toKeepAgents, for: "a gateway", client: client, namespace: namespace)
      let architecture = try await NodeArchitecture.of(host?.nodeName, client: client)
      var template = AgentPodTemplate(
        workload: workload, containerName: "gateway", listen: [], controlPort: 17_717, architecture: architecture)
      template.neverReady = true
      template.image = image
      template.preferredNodes = [host?.nodeName].compactMap { $0 }
      template.needsLimits = try await Quota.demandsLimits(client: client, namespace: namespace)
      progress?("starting a gateway in \(namespace)")
      return (template, podTemplate(host))
    }
  }

  /// Deletes the gateway, if it was made here.
  public func remove() async throws(ControlError) { try await own.remove() }

  /// Finds a running Linux Pod whose image the gateway borrows; nil if an image is set.
  private func hostPod() async throws(ControlError) -> JSONValue? {
    if image != nil { return nil }
    let pods = try await attempt("listing Pods of \(namespace)") { () async throws(KubeError) in
      try await client.list(.pods, namespace: namespace)
    }
    let host = pods.items.first { pod in
      pod.phase == "Running" && !pod.isBeingDeleted
        && pod.labels[AgentNames.agentLabel] == nil
        && pod[path: "spec", "os", "name"]?.stringValue != "windows"
        && pod[path: "spec", "hostNetwork"]?.boolValue != true
    }
    guard let host else {
      // Listing the Pods of a namespace that doesn't exist succeeds.
      if pods.items.isEmpty, await !namespaceIsThere() {
        throw ControlError(
          .notFound, "there is no namespace '\(namespace)' in context \(client.access.contextName)",
          remedy: "Name another with -n.")
      }
      throw ControlError(
        .notFound, "no running Pod in namespace \(namespace) has an image that a gateway could use",
        remedy: "Name any image that the cluster's nodes have or can pull: --agent-image IMAGE.")
    }
    return host
  }

  /// Checks that the namespace exists. If we may not read it, assume that it does.
  private func namespaceIsThere() async -> Bool {
    do { return try await client.find(.namespaces, namespace) != nil } catch { return true }
  }

  private func podTemplate(_ host: JSONValue?) -> JSONValue {
    let image = self.image ?? host?[path: "spec", "containers"]?.elements.first?["image"]?.stringValue ?? ""
    return [
      "metadata": [:],
      "spec": [
        "automountServiceAccountToken": false,
        "imagePullSecrets": host?[path: "spec", "imagePullSecrets"] ?? [],
        "securityContext": [
          "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": ["type": "RuntimeDefault"],
        ],
        "containers": [
          [
            "name": "gateway", "image": JSONValue(image),
            "securityContext": [
              "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": ["drop": ["ALL"]],
            ],
          ]
        ],
      ],
    ]
  }
}
