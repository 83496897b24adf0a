import ControlAPI
import KubeObjects

extension WayFacts {
  var serviceHop: WayHop {
    guard let service else { return missingService }
    let type = service[path: "spec", "type"]?.stringValue ?? "ClusterIP"
    if type == "ExternalName" {
      let external = service[path: "spec", "externalName"]?.stringValue ?? ""
      return WayHop(
        "Service", .warning, "Service \(name) is a name for \(external), and leads to no Pods of the cluster",
        remedy: "look at \(external) itself: no Pods of the cluster answer for it, and no intercept takes it")
    }
    guard let port else { return missingPort }
    let address = service[path: "spec", "clusterIP"]?.stringValue ?? ""
    let place = address == "None" ? "is headless: its name resolves to its Pods" : "is \(type) \(address)"
    var evidence: [String] = []
    let others = ports.filter { $0 != port }
    if !others.isEmpty {
      evidence.append("its other ports: \(some(others.map(\.label), 8)); --port chooses one")
    }
    if service.isBeingDeleted { evidence.append("it is being deleted") }
    return WayHop(
      "Service", service.isBeingDeleted ? .warning : .ok,
      "Service \(name) \(place), and port \(port.label) leads to the Pods' port \(port.targetText)", evidence: evidence)
  }

  private var missingService: WayHop {
    let remedy: String? =
      if let first = elsewhere.first {
        "devtunnel explain \(name) -n \(first)"
      } else {
        others.isEmpty ? "choose another namespace with -n" : "the namespace has: \(some(others.sorted(), 10))"
      }
    return WayHop(
      "Service", .failed,
      "there is no Service \(name) in namespace \(namespace)"
        + (elsewhere.isEmpty ? "" : ", but there is one in \(some(elsewhere))"), remedy: remedy)
  }

  private var missingPort: WayHop {
    let all = some(ports.map(\.label), 8)
    guard let wantedPort else {
      return WayHop("Service", .failed, "Service \(name) has no TCP port", remedy: "intercepts take TCP ports alone")
    }
    return WayHop(
      "Service", .failed, "Service \(name) has no TCP port \(wantedPort)",
      remedy: all.isEmpty ? nil : "its ports are: \(all)")
  }
}

extension WayPort {
  /// `8080`, or the name of a port.
  var targetText: String {
    switch target {
    case .number(let number): "\(number)"
    case .name(let name): "named \(name)"
    }
  }
}
