import Agents
import ControlAPI
import KubeAPI
import KubeObjects

/// An agent made of a workload's Pod template that no Service ever sends traffic to: it is never Ready. A shell reaches the cluster from it, with the
/// workload's labels, ServiceAccount, environment and files.
public struct ShellAgent: Sendable {
  let client: KubeClient
  let installation: Installation
  let namespace: String
  let holder: String
  /// Tells two daemons of one person and machine apart.
  let instance: String
  let target: ShellTarget
  var image: String?

  public init(
    client: KubeClient, installation: Installation, namespace: String, holder: String, instance: String, target: ShellTarget, image: String?
  ) {
    self.client = client
    self.installation = installation
    self.namespace = namespace
    self.holder = holder
    self.instance = instance
    self.target = target
    self.image = image
  }

  /// One for each workload, person and machine.
  public var name: String { "shell-\(target.workload.name)-" + AgentNames.checksum("\(holder) \(instance) \(target.workload.description) \(target.container)") }

  private var deployer: AgentDeployer {
    AgentDeployer(client: client, installation: installation, manifests: AgentManifests(workload: name, namespace: namespace, holder: holder))
  }

  /// The agent that stands, else a new one.
  public func ensure(progress: Engine.Progress?) async throws(ControlError) -> AgentIdentity {
    let architecture = try await NodeArchitecture.of(target.nodes.first, client: client)
    var template = AgentPodTemplate(workload: name, containerName: target.container, listen: [], controlPort: 17_717, architecture: architecture)
    template.neverReady = true
    template.image = image
    template.preferredNodes = target.nodes
    let claims = try await VolumeClaims.read(client: client, namespace: namespace, template: target.workload.template)
    template.droppedVolumes = claims.exclusive
    if claims.tiesToNode { template.requiredNode = target.nodes.first }
    template.needsLimits = try await Quota.demandsLimits(client: client, namespace: namespace)
    if let existing = try await deployer.existing(), try await deployer.stands(as: template) { return existing }
    progress?("starting an agent like \(target.workload.description)")
    try await Permission.require(Permission.toKeepAgents, for: "a shell's agent", client: client, namespace: namespace)
    return try await deployer.deploy(template: template, from: target.workload.template, selector: nil)
  }

  public func remove() async throws(ControlError) { try await deployer.remove() }
}
