import Agents
import ControlAPI
import KubeObjects
import Workloads

/// The Services that select the same Pods as the intercepted one: the agent has the Pods' labels, so that it becomes an
/// endpoint of each.
struct Neighbours {
  /// Every TCP target port of all of them: the agent listens there.
  let ports: [UInt16]
  /// Every UDP target port: the agent passes its datagrams on.
  let datagrams: [UInt16]
  /// Others that target an intercepted port: the agent cannot distinguish their connections.
  let sharing: [String]
  /// Others that list Pods which are not ready.
  let early: [String]

  /// - Parameters:
  ///   - services: of the namespace.
  ///   - name: the intercepted Service's.
  ///   - own: its ports.
  init(_ services: [JSONValue], of workload: Workload, besides name: String, ports own: [PlannedPort])
    throws(ControlError)
  {
    let labels = workload.template.labels
    var all = Set(own.map(\.podPort))
    let taken = Set(own.filter { $0.localPort != nil }.map(\.podPort))
    var datagrams: Set<UInt16> = []
    var sharing: Set<String> = []
    var early: Set<String> = []
    for service in services {
      var selector = service[path: "spec", "selector"]?.stringMap ?? [:]
      selector[AgentNames.agentLabel] = nil
      guard !selector.isEmpty, service.labels[AgentNames.managedByLabel] != AgentNames.managedBy,
        selector.allSatisfy({ labels[$0.key] == $0.value })
      else { continue }
      let other = service.name == name ? nil : service.name
      if let other, service[path: "spec", "publishNotReadyAddresses"]?.boolValue == true { early.insert(other) }
      for port in service[path: "spec", "ports"]?.elements ?? [] {
        guard ["TCP", "UDP"].contains(port.transport) else {
          throw ControlError(
            .refused,
            "Service \(service.place) sends \(port.transport) to the same Pods, which the agent could not pass on",
            remedy: "An intercept is possible once no Service with such a port selects these Pods.")
        }
        guard let target = ServiceRules.targetPort(port, template: workload.template) else { continue }
        guard port.transport == "TCP" else {
          datagrams.insert(target)
          continue
        }
        all.insert(target)
        if let other, taken.contains(target) { sharing.insert(other) }
      }
    }
    ports = all.sorted()
    self.datagrams = datagrams.sorted()
    self.sharing = sharing.sorted()
    self.early = early.sorted()
  }

  var warnings: [String] {
    sharing.map { "Service \($0) targets the same port of the same Pods: some of its connections arrive here, too" }
      + early.map {
        "Service \($0) publishes Pods that are not ready (publishNotReadyAddresses): "
          + "some of its connections may reach the agent while it starts or ends, and fail"
      }
  }
}
