import Agents
import ControlAPI
import KubeAPI
import KubeObjects

extension InterceptedWorkload {
  /// Returns the deployer of the workload's agent, and the template of its Pod.
  func agent(for member: Member) async throws(ControlError) -> (AgentDeployer, AgentPodTemplate) {
    let plan = member.plan
    let architecture = try await NodeArchitecture.of(plan.nodes.first, client: client)
    var template = AgentPodTemplate(
      workload: workload, containerName: plan.container, listen: plan.listen, controlPort: plan.controlPort,
      architecture: architecture)
    template.image = member.request.agentImage
    template.originName = "\(AgentNames.originService(workload)).\(namespace).svc"
    template.agentsName = "\(AgentNames.agentsService(workload)).\(namespace).svc"
    template.preferredNodes = plan.nodes
    let claims = try await VolumeClaims.read(client: client, namespace: namespace, template: plan.workload.template)
    template.droppedVolumes = claims.exclusive
    if claims.tiesToNode { template.requiredNode = plan.nodes.first }
    for volume in claims.exclusive.sorted() {
      let text = "volume \(volume) may be mounted by one Pod only: the agent goes without it"
      if !agentWarnings.contains(text) { agentWarnings.append(text) }
    }
    template.needsLimits = try await Quota.demandsLimits(client: client, namespace: namespace)
    let manifests = AgentManifests(
      workload: workload, namespace: namespace, holder: context.holder, service: plan.service)
    return (AgentDeployer(client: client, installation: context.installation, manifests: manifests), template)
  }
}
