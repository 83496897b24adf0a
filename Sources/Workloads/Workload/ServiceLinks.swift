import KubeObjects

/// The variables that give a Service's address to Pods (Kubernetes documentation, "Discovering services").
enum ServiceLinks {
  static func variables(of service: JSONValue) -> [String: String] {
    guard let name = service.name, let address = service[path: "spec", "clusterIP"]?.stringValue, address != "None",
      !address.isEmpty,
      let ports = service[path: "spec", "ports"]?.elements, let first = ports.first?["port"]?.intValue
    else { return [:] }
    let prefix = word(name)
    var result = ["\(prefix)_SERVICE_HOST": address, "\(prefix)_SERVICE_PORT": String(first)]
    for (index, port) in ports.enumerated() {
      guard let number = port["port"]?.intValue else { continue }
      let transport = port.transport
      let url = "\(transport.lowercased())://\(address):\(number)"
      let base = "\(prefix)_PORT_\(number)_\(transport)"
      if let name = port.entryName { result["\(prefix)_SERVICE_PORT_\(word(name))"] = String(number) }
      if index == 0 { result["\(prefix)_PORT"] = url }
      result.merge([
        base: url, base + "_PROTO": transport.lowercased(), base + "_PORT": String(number), base + "_ADDR": address,
      ]) { $1 }
    }
    return result
  }

  private static func word(_ name: String) -> String { String(name.uppercased().map { $0 == "-" ? "_" : $0 }) }
}
