import KubeObjects

/// The cluster's names as Kubernetes' DNS specification lists them (github.com/kubernetes/dns, docs/specification.md),
/// and the extra ones of the configuration. A value: made again when a Service or an EndpointSlice changes.
struct ClusterZone: Sendable {
  static let timeToLive: UInt32 = 5

  private let domain: String
  private let podNetwork: IPv4Network
  private let serial: UInt32
  private var records: [String: [DNSRecord.Value]] = [:]
  /// Names that exist only because of names below them: they answer NOERROR without records.
  private var branches: Set<String> = []

  init(
    domain: String, podNetwork: IPv4Network, serial: UInt32 = 1, extraRecords: [String: [String]] = [:],
    namespaces: [String] = [],
    services: [JSONValue] = [], slices: [EndpointSlice] = []
  ) {
    self.domain = domain.lowercased()
    self.podNetwork = podNetwork
    self.serial = serial
    branches = [self.domain, "svc." + self.domain, "pod." + self.domain]
    for namespace in namespaces { branches.insert("\(namespace).svc.\(self.domain)") }
    for (name, addresses) in extraRecords {
      for address in addresses { if let address = IPv4Address(address) { add(DNSName(name).key, .address(address)) } }
    }
    let slicesByService = Dictionary(grouping: slices, by: \.service)
    for service in services {
      guard let name = service[path: "metadata", "name"]?.stringValue else { continue }
      let namespace = service[path: "metadata", "namespace"]?.stringValue ?? "default"
      add(service, name, namespace, slicesByService[ServiceName(namespace: namespace, name: name)] ?? [])
    }
  }

  private mutating func add(_ service: JSONValue, _ name: String, _ namespace: String, _ slices: [EndpointSlice]) {
    let zone = "\(name).\(namespace).svc.\(domain)"
    if service[path: "spec", "type"]?.stringValue == "ExternalName",
      let target = service[path: "spec", "externalName"]?.stringValue
    {
      return add(zone, .alias(DNSName(target)))
    }
    let clusterIP = service[path: "spec", "clusterIP"]?.stringValue ?? ""
    if let address = IPv4Address(clusterIP) {
      add(zone, .address(address))
      add(Self.reverse(address), .pointer(DNSName(zone)))
      for port in service[path: "spec", "ports"]?.elements ?? [] {
        addPort(zone, port["name"]?.stringValue, port["protocol"]?.stringValue, port["port"]?.intValue, target: zone)
      }
      return
    }
    guard clusterIP == "None" else { return }
    branches.insert(zone)
    let publishesNotReady = service[path: "spec", "publishNotReadyAddresses"]?.boolValue ?? false
    for slice in slices {
      for endpoint in slice.endpoints where endpoint.isReady || publishesNotReady {
        for address in endpoint.addresses {
          let host = (endpoint.hostname ?? address.description.replacing(".", with: "-")) + "." + zone
          add(zone, .address(address))
          add(host, .address(address))
          if endpoint.hostname != nil { add(Self.reverse(address), .pointer(DNSName(host))) }
          for port in slice.ports { addPort(zone, port.name, port.proto, Int(port.number), target: host) }
        }
      }
    }
  }

  private mutating func addPort(_ zone: String, _ name: String?, _ proto: String?, _ port: Int?, target: String) {
    guard let name, !name.isEmpty, let port, let number = UInt16(exactly: port) else { return }
    let owner = "_\(name)._\((proto ?? "TCP").lowercased()).\(zone)"
    add(owner, .service(priority: 0, weight: 100, port: number, target: DNSName(target)))
  }

  /// Leaves out what no message can hold.
  private mutating func add(_ name: String, _ value: DNSRecord.Value) {
    switch value {
    case .pointer(let target), .alias(let target), .service(_, _, _, let target):
      guard target.isWritable else { return }
    case .address, .authority, .other: break
    }
    guard DNSName(name).isWritable else { return }
    if records[name]?.contains(value) != true { records[name, default: []].append(value) }
    var rest = Substring(name)
    while let dot = rest.firstIndex(of: ".") {
      rest = rest[rest.index(after: dot)...]
      if rest == domain || !branches.insert(String(rest)).inserted { break }
    }
  }

  private static func reverse(_ address: IPv4Address) -> String {
    address.bytes.reversed().map(String.init).joined(separator: ".") + ".in-addr.arpa"
  }
}

// MARK: Answering

extension ClusterZone {
  /// The whole response to a query: what RFC 1034 section 4.3.2 asks of an authoritative server without delegations.
  func response(to query: DNSMessage) -> DNSMessage {
    var response = DNSMessage(
      identifier: query.identifier, isResponse: true, opcode: query.opcode, recursionDesired: query.recursionDesired)
    response.questions = query.questions
    response.udpPayloadSize = query.udpPayloadSize == nil ? nil : 1232
    guard query.opcode == 0 else { return refuse(&response, .notImplemented) }
    guard let question = query.questions.first, query.questions.count == 1 else {
      return refuse(&response, .formatError)
    }
    guard question.recordClass == 1 || question.recordClass == 255 else { return refuse(&response, .refused) }
    // Pods' resolvers take an answer without it for a broken server; there is nothing behind this one.
    response.recursionAvailable = true
    response.isAuthoritative = true
    let key = question.name.key
    let found = records[key] ?? podRecords(key)
    if let found {
      let matching = question.type == .any ? found : found.filter { $0.type == question.type }
      // A client that takes the first address spreads its load.
      response.answers = matching.shuffled().map {
        DNSRecord(name: question.name, timeToLive: Self.timeToLive, value: $0)
      }
      if matching.isEmpty { response.answers = aliases(found, of: question) }
      if question.type == .srv { response.additionals = targets(of: matching) }
    } else if !branches.contains(key) {
      response.responseCode = DNSMessage.ResponseCode.nameError.rawValue
    }
    if response.answers.isEmpty { response.authorities = [authority] }
    return response
  }

  private func refuse(_ response: inout DNSMessage, _ code: DNSMessage.ResponseCode) -> DNSMessage {
    response.responseCode = code.rawValue
    return response
  }

  /// `1-2-3-4.namespace.pod.cluster.local` is 1.2.3.4, for every address of the Pod network.
  private func podRecords(_ key: String) -> [DNSRecord.Value]? {
    let suffix = ".pod." + domain
    guard key.hasSuffix(suffix) else { return nil }
    let parts = key.dropLast(suffix.count).split(separator: ".")
    guard parts.count == 2, let address = IPv4Address(String(parts[0]).replacing("-", with: ".")),
      podNetwork.contains(address)
    else { return nil }
    return [.address(address)]
  }

  /// An ExternalName Service: the alias, and its target if that is known here (RFC 1034 section 3.6.2).
  private func aliases(_ values: [DNSRecord.Value], of question: DNSQuestion) -> [DNSRecord] {
    guard let value = values.first(where: { $0.type == .cname }), case .alias(let target) = value else { return [] }
    let behind = (records[target.key] ?? podRecords(target.key) ?? []).filter { $0.type == question.type }
    return [DNSRecord(name: question.name, timeToLive: Self.timeToLive, value: value)]
      + behind.map { DNSRecord(name: target, timeToLive: Self.timeToLive, value: $0) }
  }

  private func targets(of values: [DNSRecord.Value]) -> [DNSRecord] {
    var seen: Set<DNSName> = []
    return values.flatMap { value -> [DNSRecord] in
      guard case .service(_, _, _, let target) = value, seen.insert(target).inserted else { return [] }
      return (records[target.key] ?? []).filter { $0.type == .a }
        .map { DNSRecord(name: target, timeToLive: Self.timeToLive, value: $0) }
    }
  }

  private var authority: DNSRecord {
    DNSRecord(
      name: DNSName(domain), timeToLive: Self.timeToLive,
      value: .authority(
        primary: DNSName("ns.dns." + domain), mailbox: DNSName("hostmaster." + domain), serial: serial,
        minimum: Self.timeToLive))
  }
}
