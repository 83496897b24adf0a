import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// An agent made of a workload's Pod template that is never Ready, so that no Service sends traffic to it. A shell
/// reaches the cluster from it, with the workload's labels, ServiceAccount, environment and files.
public struct ShellAgent: Sendable {
  private let own: OwnAgent
  private let target: ShellTarget
  private let image: String?

  public init(
    client: KubeClient, installation: Installation, cluster: ClusterIdentity, namespace: String, holder: Holder,
    records: AgentRecords,
    target: ShellTarget, image: String?,
    willMake: @escaping @Sendable (_ workload: String) throws(ControlError) -> Void
  ) {
    self.target = target
    self.image = image
    own = OwnAgent(
      client: client, installation: installation, cluster: cluster, namespace: namespace, holder: holder,
      records: records,
      purpose: "shell \(target.workload.description) \(target.container)", prefix: "shell-\(target.workload.name)-",
      willMake: willMake)
  }

  /// Shells with the same key share one agent.
  public var key: String { own.key }
  /// `shell-user-0f1e2d3c4b5a6978`; nil before it exists.
  public var name: String? { own.workload }

  /// Returns the agent that this installation has made, or makes one.
  public func ensure(progress: Engine.Progress?) async throws(ControlError) -> AgentIdentity {
    let (client, namespace) = (own.client, own.namespace)
    return try await own.ensure("the shell's agent", progress: progress) { workload throws(ControlError) in
      let architecture = try await NodeArchitecture.of(target.nodes.first, client: client)
      var template = AgentPodTemplate(
        workload: workload, containerName: target.container, listen: [], controlPort: 17_717, architecture: architecture
      )
      template.neverReady = true
      template.image = image
      template.preferredNodes = target.nodes
      template.droppedVolumes = target.claims.left
      if target.claims.tiesToNode { template.requiredNode = target.nodes.first }
      template.needsLimits = try await Quota.demandsLimits(client: client, namespace: namespace)
      progress?("starting an agent like \(target.workload.description)")
      try await Permission.require(
        Permission.toKeepAgents, for: "a shell's agent", client: client, namespace: namespace)
      return (template, target.workload.template)
    }
  }

  public func remove() async throws(ControlError) { try await own.remove() }
}
