import KubeObjects

/// A port of a Service, and the port of the Pods to which it leads.
public struct WayPort: Sendable, Hashable {
  public enum Target: Sendable, Hashable {
    case number(Int)
    /// The name of a container's port.
    case name(String)
  }

  public let number: Int
  public let name: String?
  public let target: Target
  /// True if its clients speak TLS, by `appProtocol`, name or number.
  public let expectsTLS: Bool

  init(_ port: JSONValue) {
    number = port["port"]?.intValue ?? 0
    name = port.entryName
    if let text = port["targetPort"]?.stringValue {
      target = .name(text)
    } else {
      target = .number(port["targetPort"]?.intValue ?? number)
    }
    let said = port["appProtocol"]?.stringValue ?? name ?? ""
    let words = said.lowercased().split { !$0.isLetter && !$0.isNumber }
    let saysPlain = words.contains { ["http", "grpc", "h2c"].contains($0) }
    expectsTLS = words.contains { ["https", "tls", "ssl"].contains($0) } || number == 443 && !saysPlain
  }

  /// `80/http`.
  public var label: String { "\(number)" + (name.map { "/\($0)" } ?? "") }

  /// Returns the number in one Pod; nil if no container of it declares the name.
  func number(in pod: JSONValue) -> Int? {
    switch target {
    case .number(let number): number
    case .name(let name): pod.declaredPort(named: name).map { Int($0) }
    }
  }
}

extension WayFacts {
  /// The Service's TCP ports.
  var ports: [WayPort] {
    (service?[path: "spec", "ports"]?.elements ?? []).filter { $0.transport == "TCP" }.map(WayPort.init)
  }

  /// The port to look at: the one that was asked for, else the first that is intercepted, else the first.
  public var port: WayPort? {
    if let wantedPort { return ports.first { $0.name == wantedPort || "\($0.number)" == wantedPort } }
    let taken = own?.ports.first { $0.host != nil || $0.to != nil }?.service
    return ports.first { $0.number == taken } ?? ports.first
  }

  /// The Pods' port to which it leads, in the first Pod that has it.
  public var targetPort: UInt16? {
    guard let port else { return nil }
    if case .number(let number) = port.target { return UInt16(exactly: number) }
    let numbers = (originPods + agentPods).lazy.compactMap { port.number(in: $0) }
    return numbers.first.flatMap(UInt16.init(exactly:))
  }
}
