import KubeObjects

/// Mistakes in a Service's `spec`.
enum ServiceValidation {
  static func spec(_ spec: JSONValue) -> [FieldCause] {
    let type = spec["type"]?.stringValue ?? ""
    guard ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"].contains(type) else {
      let message =
        """
        Unsupported value: "\(type)": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"
        """
      return [FieldCause(.notSupported, "spec.type", message)]
    }
    let ports = spec["ports"]?.elements ?? []
    var causes = Validation.labels(spec["selector"], at: "spec.selector")
    let needsPorts = type != "ExternalName" && spec["clusterIP"] != "None"
    if ports.isEmpty, needsPorts { causes.append(FieldCause(.required, "spec.ports", "Required value")) }
    if type == "ExternalName", (spec["externalName"]?.stringValue ?? "").isEmpty {
      causes.append(FieldCause(.required, "spec.externalName", "Required value"))
    }
    return causes + Self.ports(ports)
  }

  private static func ports(_ ports: [JSONValue]) -> [FieldCause] {
    var causes: [FieldCause] = []
    var names: Set<String> = []
    var numbers: Set<String> = []
    for (index, port) in ports.enumerated() {
      let place = "spec.ports[\(index)]"
      let number = port["port"]?.intValue ?? 0
      if !(1...65535).contains(number) {
        causes.append(
          FieldCause(.invalid, "\(place).port", "Invalid value: \(number): must be between 1 and 65535, inclusive"))
      }
      let name = port["name"]?.stringValue ?? ""
      if name.isEmpty, ports.count > 1 { causes.append(FieldCause(.required, "\(place).name", "Required value")) }
      if !name.isEmpty, !names.insert(name).inserted {
        causes.append(FieldCause(.duplicate, "\(place).name", "Duplicate value: \"\(name)\""))
      }
      let identity = "\(number)/\(port["protocol"]?.stringValue ?? "TCP")"
      if !numbers.insert(identity).inserted {
        causes.append(FieldCause(.duplicate, place, "Duplicate value: \"\(identity)\""))
      }
      if case .int(let target)? = port["targetPort"], !(1...65535).contains(target) {
        causes.append(
          FieldCause(
            .invalid, "\(place).targetPort", "Invalid value: \(target): must be between 1 and 65535, inclusive"))
      }
    }
    return causes
  }
}
