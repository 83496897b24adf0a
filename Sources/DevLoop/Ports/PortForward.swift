import KubeObjects
import Manifests
import Skaffold

/// A port of the cluster, to be reached by a port of this machine.
public struct PortForward: Sendable, Hashable {
  /// `svc/user`, `pod/user-0`, `deploy/user`.
  public var target: String
  public var namespace: String
  /// A number or a name.
  public var port: String
  /// This machine's address to listen on.
  public var address = "127.0.0.1"
  /// The configured address, if it is not used because other machines would reach it.
  public var withheldAddress: String?
  /// The host port to take if it is free.
  public var preferred: UInt16

  public init(target: String, namespace: String, port: String, preferred: UInt16) {
    self.target = target
    self.namespace = namespace
    self.port = port
    self.preferred = preferred
  }

  /// The identity that lasts from run to run.
  var key: String { "\(namespace)/\(target):\(port)" }
}

extension PortForward {
  /// The forwards that a loop opens: each takes a descriptor of the daemon and a port of the machine.
  static let most = 256

  /// Returns the forwards that a loop opens, and a warning if they are not all.
  static func bounded(_ wanted: [PortForward]) -> (forwards: [PortForward], warning: String?) {
    guard wanted.count > most else { return (wanted, nil) }
    return (
      Array(wanted.prefix(most)),
      "the manifests have \(wanted.count) ports to forward: the first \(most) are opened; "
        + "`devtunnel forward` opens others"
    )
  }

  /// Returns the rules' forwards, then one for every TCP port of the Services that no rule names.
  /// - Parameters:
  ///   - namespace: of objects and rules that name none.
  ///   - opensPorts: whether a rule may open a port to other machines. The repository's author may not be its user.
  static func all(for manifests: [Manifest], rules: [PortForwardRule], namespace: String, opensPorts: Bool = false)
    -> [PortForward]
  {
    var forwards = rules.compactMap { PortForward($0, manifests, namespace, opensPorts: opensPorts) }
    var keys = Set(forwards.map(\.key))
    let services = manifests.filter { $0.kind == "Service" && $0.apiVersion == "v1" }.sorted {
      ($0.namespace ?? namespace, $0.name) < ($1.namespace ?? namespace, $1.name)
    }
    for service in services where service.object[path: "spec", "selector"]?.objectValue?.isEmpty == false {
      for port in service.object[path: "spec", "ports"]?.elements ?? []
      where port.transport == "TCP" {
        guard let number = port.portNumber else { continue }
        let names = [String(number), port.portName]
        let forward = PortForward(
          target: "svc/\(service.name)", namespace: service.namespace ?? namespace, port: String(number),
          preferred: shifted(number))
        let spellings = names.map { name in
          var spelling = forward
          spelling.port = name
          return spelling.key
        }
        guard keys.isDisjoint(with: spellings) else { continue }
        keys.insert(forward.key)
        forwards.append(forward)
      }
    }
    return forwards
  }

  /// Shifts ports below 1024, which need root: 80 becomes 8080, 443 becomes 8443.
  static func shifted(_ port: UInt16) -> UInt16 { port < 1024 ? port + 8000 : port }

  private init?(_ rule: PortForwardRule, _ manifests: [Manifest], _ namespace: String, opensPorts: Bool) {
    guard let kind = Self.kinds[rule.resourceType.lowercased()] else { return nil }
    let namespace = rule.namespace ?? Self.namespace(of: rule, manifests, namespace)
    self.init(target: "\(kind)/\(rule.resourceName)", namespace: namespace, port: rule.port, preferred: 0)
    if let address = rule.address.map({ $0 == "localhost" ? "127.0.0.1" : $0 }) {
      if opensPorts || HostPort.isLoopback(address) { self.address = address } else { withheldAddress = address }
    }
    preferred = rule.localPort ?? Self.number(rule.port, of: rule.resourceName, manifests).map(Self.shifted) ?? 8000
  }

  private static let kinds = [
    "service": "svc", "pod": "pod", "deployment": "deploy", "statefulset": "sts", "daemonset": "ds", "replicaset": "rs",
    "job": "job",
  ]

  /// Returns the namespace of the rule's object, if the manifests name it without doubt.
  private static func namespace(of rule: PortForwardRule, _ manifests: [Manifest], _ namespace: String) -> String {
    let named = manifests.filter {
      $0.kind.lowercased() == rule.resourceType.lowercased() && $0.name == rule.resourceName
    }
    let places = Set(named.map { $0.namespace ?? namespace })
    return places.count == 1 ? places.first ?? namespace : namespace
  }

  /// Returns a port's number, if it is written or can be read in the manifests.
  private static func number(_ port: String, of name: String, _ manifests: [Manifest]) -> UInt16? {
    if let number = UInt16(port) { return number }
    for manifest in manifests where manifest.name == name {
      let spec = manifest.object["spec"]
      let declared = manifest.object.declaredPorts + (spec?["template"]?.declaredPorts ?? [])
      let ports = (spec?["ports"]?.elements ?? []) + declared
      if let declared = ports.first(where: { $0.entryName == port }) { return declared.portNumber }
    }
    return nil
  }
}
