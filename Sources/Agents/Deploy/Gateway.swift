import ControlAPI
import KubeAPI
import KubeObjects
import Logging

/// An agent without a workload: the way into a namespace for `forward` and for a plain shell. It runs in the image of some Pod that runs there, since
/// the node has that one.
public struct Gateway: Sendable {
  public let client: KubeClient
  public let installation: Installation
  public let namespace: String
  public let holder: String
  /// Tells two daemons of one person and machine apart: each has a gateway of its own, since an agent has one session.
  public let instance: String
  public var image: String?

  public init(client: KubeClient, installation: Installation, namespace: String, holder: String, instance: String, image: String? = nil) {
    self.client = client
    self.installation = installation
    self.namespace = namespace
    self.holder = holder
    self.instance = instance
    self.image = image
  }

  /// One for each daemon: `gateway-1a2b3c4d`.
  public var workload: String { "gateway-" + AgentNames.checksum("\(holder) \(instance)") }

  private var deployer: AgentDeployer {
    AgentDeployer(client: client, installation: installation, manifests: AgentManifests(workload: workload, namespace: namespace, holder: holder))
  }

  /// The gateway that stands, else a new one.
  public func ensure(progress: Engine.Progress?) async throws(ControlError) -> AgentIdentity {
    if let existing = try await deployer.existing(), try await isCurrent() { return existing }
    let host = try await hostPod()
    try await Permission.require(Permission.toKeepAgents, for: "a gateway", client: client, namespace: namespace)
    let architecture = try await NodeArchitecture.of(host?[path: "spec", "nodeName"]?.stringValue, client: client)
    var template = AgentPodTemplate(workload: workload, containerName: "gateway", listen: [], controlPort: 17_717, architecture: architecture)
    template.neverReady = true
    template.image = image
    template.preferredNodes = [host?[path: "spec", "nodeName"]?.stringValue].compactMap { $0 }
    template.needsLimits = try await Quota.demandsLimits(client: client, namespace: namespace)
    progress?("starting a gateway in \(namespace)")
    return try await deployer.deploy(template: template, from: podTemplate(host), selector: nil)
  }

  public func remove() async throws(ControlError) { try await deployer.remove() }

  /// Whether the gateway that stands runs this installation's agent.
  private func isCurrent() async throws(ControlError) -> Bool {
    let name = AgentNames.base(workload)
    let configMap = try await attempt("reading ConfigMap \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(.configMaps, name, namespace: namespace)
    }
    for architecture in Architecture.allCases {
      guard let text = configMap?[path: "binaryData", "agent-\(architecture.rawValue)"]?.stringValue else { continue }
      return [UInt8](base64: text) == (try? installation.agent(architecture))
    }
    return false
  }

  /// A running Linux Pod whose image the gateway borrows.
  private func hostPod() async throws(ControlError) -> JSONValue? {
    if image != nil { return nil }
    let pods = try await attempt("listing Pods of \(namespace)") { () async throws(KubeError) in try await client.list(.pods, namespace: namespace) }
    let host = pods.items.first { pod in
      pod[path: "status", "phase"]?.stringValue == "Running" && !pod.isBeingDeleted && pod.labels[AgentNames.agentLabel] == nil
        && pod[path: "spec", "os", "name"]?.stringValue != "windows" && pod[path: "spec", "hostNetwork"]?.boolValue != true
    }
    guard let host else {
      // Listing Pods of a namespace that is not there succeeds.
      if pods.items.isEmpty, await !namespaceIsThere() {
        throw ControlError(.notFound, "there is no namespace '\(namespace)' in context \(client.access.contextName)", remedy: "Name another with -n.")
      }
      throw ControlError(
        .notFound, "no Pod runs in namespace \(namespace) whose image a gateway could use",
        remedy: "Name an image that the cluster's nodes have or can pull, any at all: --agent-image IMAGE.")
    }
    return host
  }

  /// Who may not look is taken at their word.
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
        "securityContext": ["runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": ["type": "RuntimeDefault"]],
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
