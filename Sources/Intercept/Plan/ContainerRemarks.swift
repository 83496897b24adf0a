import Agents
import ControlAPI
import KubeObjects

/// Remarks about the containers of a Pod beside the one that the agent replaces.
struct ContainerRemarks {
  /// The Pods' template.
  let template: JSONValue
  /// The container that the agent replaces.
  let container: String

  /// Returns the other container that declares a port of the Pods; nil if none does, or the replaced one does too.
  func gate(of port: UInt16) -> String? {
    let owners = template.runningContainers.filter { container in
      (container["ports"]?.elements ?? []).contains {
        $0.portNumber == port && $0.transport == "TCP"
      }
    }.compactMap(\.entryName)
    return owners.contains(container) ? nil : owners.first
  }

  /// Returns the port on which the replaced container listens, behind another.
  /// - Parameter given: the user's; nil takes the only one that it declares.
  func applicationPort(given: UInt16?) throws(ControlError) -> UInt16 {
    if let given { return given }
    let own = template.runningContainers.first { $0.entryName == container } ?? [:]
    let declared = JSONValue.object(["spec": ["containers": [own]]]).declaredNumbers.sorted()
    guard declared.count == 1 else {
      throw ControlError(
        .badInput,
        "--keep-containers must know the port on which container \(container) listens, and it declares "
          + (declared.isEmpty ? "none" : declared.map(String.init).joined(separator: ", ")),
        remedy: "Name it: --container \(container):PORT.")
    }
    return declared[0]
  }

  /// Sends the ports that target a container that stays to the application behind it.
  /// - Returns: the application's port, by the first container's port in front of it; none if nothing does.
  func passGates(_ ports: inout [PlannedPort], given: UInt16?) throws(ControlError) -> [UInt16: UInt16] {
    var gates: [UInt16: UInt16] = [:]
    for index in ports.indices where gate(of: ports[index].podPort) != nil {
      let port = try applicationPort(given: given)
      ports[index].agentPort = port
      gates[port] = gates[port] ?? ports[index].podPort
    }
    return gates
  }

  /// Checks whether another container serves a UDP port: it stays, and has the port itself.
  func serves(datagrams port: UInt16) -> Bool {
    template.runningContainers.contains { one in
      one.entryName != container
        && (one["ports"]?.elements ?? []).contains {
          $0.portNumber == port && $0.transport == "UDP"
        }
    }
  }

  /// The ports that the other containers declare.
  var others: Set<UInt16> {
    let own = template.runningContainers.filter { $0.entryName == container }
    let all = template.declaredNumbers
    return all.subtracting(JSONValue.object(["spec": ["containers": .array(own)]]).declaredNumbers)
  }

  /// A warning for each container that is in front of the application and does not run before the process here.
  /// - Parameters:
  ///   - ports: those that are taken over.
  ///   - service: `NAMESPACE/NAME`.
  func warnings(_ ports: [PlannedPort], service: String) -> [String] {
    ports.compactMap { port in
      guard let gate = gate(of: port.podPort) else { return nil }
      return "port \(port.label) of Service \(service) targets container \(gate) of its Pods, "
        + "which does not run in front of the process here: requests arrive as clients send them. "
        + "--keep-containers keeps it there"
    }
  }
}
