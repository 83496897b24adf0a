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
    if type == "ExternalName" {
      let name = spec["externalName"]?.stringValue ?? ""
      if name.isEmpty {
        causes.append(FieldCause(.required, "spec.externalName", "Required value"))
      } else if !isHostName(name) {
        let message = "Invalid value: \"\(name)\": \(NameRules.subdomainRule)"
        causes.append(FieldCause(.invalid, "spec.externalName", message))
      }
    }
    return causes + Self.ports(ports)
  }

  /// A name that DNS can answer with. It may end in a dot.
  private static func isHostName(_ name: String) -> Bool {
    let name = name.utf8.last == UInt8(ascii: ".") ? String(name.dropLast()) : name
    return NameRules.isSubdomain(name) && name.split(separator: ".").allSatisfy(NameRules.isLabel)
  }

  /// Mistakes in an EndpointSlice's names and ports: DNS answers with them.
  static func slice(_ slice: JSONValue) -> [FieldCause] {
    var causes: [FieldCause] = []
    for (index, endpoint) in (slice["endpoints"]?.elements ?? []).enumerated() {
      guard let name = endpoint["hostname"]?.stringValue, !NameRules.isLabel(name[...]) else { continue }
      causes.append(
        FieldCause(
          .invalid, "endpoints[\(index)].hostname", "Invalid value: \"\(name)\": \(NameRules.labelRule)"))
    }
    for (index, port) in (slice["ports"]?.elements ?? []).enumerated() {
      causes += portName(port, at: "ports[\(index)]")
      causes += NumberRules.check(port, ["port"], in: 1...65535, at: "ports[\(index)]")
    }
    return causes
  }

  private static func portName(_ port: JSONValue, at place: String) -> [FieldCause] {
    guard let name = port["name"]?.stringValue, !name.isEmpty, !NameRules.isLabel(name[...]) else { return [] }
    return [FieldCause(.invalid, "\(place).name", "Invalid value: \"\(name)\": \(NameRules.labelRule)")]
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
      causes += portName(port, at: place)
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
