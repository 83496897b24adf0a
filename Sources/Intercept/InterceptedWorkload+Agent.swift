import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

extension InterceptedWorkload {
  /// Returns the deployer of the workload's agent, and the template of its Pod.
  func agent(for member: Member) async throws(ControlError) -> (AgentDeployer, AgentPodTemplate) {
    let plan = member.plan
    // The Services share the agent: it stays what it is while one of them is intercepted.
    let first = members.values.first { machine.phase(of: $0.plan.service) == .active } ?? member
    let architecture = try await NodeArchitecture.of(plan.nodes.first, client: client)
    var template = AgentPodTemplate(
      workload: workload, containerName: first.plan.container, listen: plan.listen, controlPort: plan.controlPort,
      architecture: architecture)
    template.image = first.request.agentImage
    template.originName = "\(AgentNames.originService(workload)).\(namespace).svc"
    template.agentsName = "\(AgentNames.agentsService(workload)).\(namespace).svc"
    template.preferredNodes = plan.nodes
    template.droppedVolumes = plan.droppedVolumes
    template.requiredNode = plan.requiredNode
    template.keepsContainers = member.request.keepContainers
    template.gates = plan.gates
    template.datagrams = plan.datagrams
    (template.hostname, template.subdomain) = (plan.podName?.hostname, plan.podName?.subdomain)
    template.needsLimits = try await Quota.demandsLimits(client: client, namespace: namespace)
    let manifests = AgentManifests(
      workload: workload, namespace: namespace, holder: context.holder, service: plan.service)
    return (AgentDeployer(client: client, installation: context.installation, manifests: manifests), template)
  }
}
