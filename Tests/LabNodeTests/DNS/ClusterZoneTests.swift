import KubeObjects
import Testing

@testable import LabNode

struct ClusterZoneTests {
  static let zone: ClusterZone = {
    let services: [JSONValue] = [
      [
        "metadata": ["name": "web", "namespace": "shop"],
        "spec": [
          "clusterIP": "10.98.0.7",
          "ports": [["name": "http", "port": 80], ["name": "dns", "port": 53, "protocol": "UDP"]],
        ],
      ],
      [
        "metadata": ["name": "db", "namespace": "shop"],
        "spec": ["clusterIP": "None", "ports": [["name": "sql", "port": 5432]]],
      ],
      [
        "metadata": ["name": "away", "namespace": "shop"],
        "spec": ["type": "ExternalName", "externalName": "example.com"],
      ],
      [
        "metadata": ["name": "all", "namespace": "shop"],
        "spec": ["clusterIP": "None", "publishNotReadyAddresses": true],
      ],
    ]
    func slice(_ service: String) -> JSONValue {
      [
        "metadata": ["namespace": "shop", "labels": ["kubernetes.io/service-name": .string(service)]],
        "addressType": "IPv4",
        "ports": [["name": "sql", "port": 5432, "protocol": "TCP"]],
        "endpoints": [
          ["addresses": ["10.97.0.5"], "hostname": "db-0", "conditions": ["ready": true]],
          ["addresses": ["10.97.0.6"], "conditions": ["ready": true]],
          ["addresses": ["10.97.0.9"], "conditions": ["ready": false]],
        ],
      ]
    }
    return ClusterZone(
      domain: "cluster.local", podNetwork: try! IPv4Network("10.97.0.1/16"),
      extraRecords: ["Example.com": ["192.0.2.1"]], namespaces: ["empty"],
      services: services, slices: [slice("db"), slice("all")].compactMap { EndpointSlice($0) })
  }()

  private func ask(_ name: String, _ type: DNSType = .a) -> DNSMessage {
    var query = DNSMessage(identifier: 3, recursionDesired: true)
    query.questions = [DNSQuestion(name: DNSName(name), type: type)]
    return Self.zone.response(to: query)
  }

  private func addresses(_ name: String) -> [String] {
    ask(name).answers.compactMap { if case .address(let address) = $0.value { "\(address)" } else { nil } }.sorted()
  }

  @Test(arguments: [
    ("web.shop.svc.cluster.local", ["10.98.0.7"]), ("WEB.shop.svc.Cluster.Local", ["10.98.0.7"]),
    ("db.shop.svc.cluster.local", ["10.97.0.5", "10.97.0.6"]),
    ("all.shop.svc.cluster.local", ["10.97.0.5", "10.97.0.6", "10.97.0.9"]),
    ("db-0.db.shop.svc.cluster.local", ["10.97.0.5"]), ("10-97-0-6.db.shop.svc.cluster.local", ["10.97.0.6"]),
    ("10-97-0-6.shop.pod.cluster.local", ["10.97.0.6"]), ("example.com", ["192.0.2.1"]),
    ("192-0-2-1.shop.pod.cluster.local", []),
    ("web.other.svc.cluster.local", []),
  ])
  func addresses(name: String, expected: [String]) { #expect(addresses(name) == expected) }

  @Test func services() {
    let answer = ask("_sql._tcp.db.shop.svc.cluster.local", .srv)
    #expect(
      Set(answer.answers.map(\.value)) == [
        .service(priority: 0, weight: 100, port: 5432, target: DNSName("db-0.db.shop.svc.cluster.local")),
        .service(priority: 0, weight: 100, port: 5432, target: DNSName("10-97-0-6.db.shop.svc.cluster.local")),
      ])
    #expect(answer.additionals.count == 2)
    #expect(
      ask("_dns._udp.web.shop.svc.cluster.local", .srv).answers.map(\.value) == [
        .service(priority: 0, weight: 100, port: 53, target: DNSName("web.shop.svc.cluster.local"))
      ])
  }

  @Test func externalNames() {
    let answer = ask("away.shop.svc.cluster.local")
    #expect(answer.answers.map(\.value) == [.alias(DNSName("example.com")), .address(IPv4Address("192.0.2.1")!)])
    #expect(ask("away.shop.svc.cluster.local", .cname).answers.map(\.value) == [.alias(DNSName("example.com"))])
  }

  @Test func pointers() {
    #expect(
      ask("7.0.98.10.in-addr.arpa", .ptr).answers.map(\.value) == [.pointer(DNSName("web.shop.svc.cluster.local"))])
    #expect(
      ask("5.0.97.10.in-addr.arpa", .ptr).answers.contains {
        $0.value == .pointer(DNSName("db-0.db.shop.svc.cluster.local"))
      })
  }

  @Test func negativeAnswers() {
    let none = ask("web.shop.svc.cluster.local", .aaaa)
    #expect(none.responseCode == 0 && none.answers.isEmpty && none.authorities.first?.type == .soa)
    #expect(none.isAuthoritative && none.recursionAvailable)
    for name in ["nothing.shop.svc.cluster.local", "golang.org", "web.shop.svc.cluster.local.shop.svc.cluster.local"] {
      #expect(ask(name).responseCode == 3, "\(name)")
    }
    // Names with something below them exist (RFC 8020), and so do namespaces without Services.
    for name in [
      "shop.svc.cluster.local", "svc.cluster.local", "empty.svc.cluster.local", "_tcp.db.shop.svc.cluster.local",
    ] {
      #expect(ask(name).responseCode == 0, "\(name)")
    }
  }

  @Test func malformedQueries() {
    let holder = ZoneHolder(Self.zone)
    #expect(holder.response(to: [1, 2, 3], limit: 512) == nil)
    #expect(holder.response(to: ask("a").encoded(), limit: 512) == nil, "a response gets no response")
    let broken: [UInt8] = [0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63]
    #expect(holder.response(to: broken, limit: 512).flatMap { try? DNSMessage(decoding: $0) }?.responseCode == 1)
    var update = DNSMessage(identifier: 1)
    update.opcode = 5
    #expect(Self.zone.response(to: update).responseCode == 4)
  }

  /// A label's length is one byte, of which two bits mean something else.
  @Test(arguments: [64, 300, 70_000]) func namesThatNoMessageHoldsAreLeftOut(length: Int) {
    let long = String(repeating: "a", count: length)
    let slice: JSONValue = [
      "metadata": ["namespace": "shop", "labels": ["kubernetes.io/service-name": "db"]], "addressType": "IPv4",
      "ports": [["name": "sql", "port": 5432]], "endpoints": [["addresses": ["10.97.0.5"], "hostname": .string(long)]],
    ]
    let zone = ClusterZone(
      domain: "cluster.local", podNetwork: try! IPv4Network("10.97.0.1/16"), namespaces: ["shop"],
      services: [
        [
          "metadata": ["name": "away", "namespace": "shop"],
          "spec": ["type": "ExternalName", "externalName": .string(long + ".com")],
        ],
        ["metadata": ["name": "db", "namespace": "shop"], "spec": ["clusterIP": "None"]],
      ], slices: [EndpointSlice(slice)].compactMap { $0 })
    for (name, type) in [
      ("away.shop.svc.cluster.local", DNSType.cname), ("_sql._tcp.db.shop.svc.cluster.local", .srv),
      ("5.0.97.10.in-addr.arpa", .ptr), ("db.shop.svc.cluster.local", .a),
    ] {
      let query = DNSMessage(questions: [DNSQuestion(name: DNSName(name), type: type)])
      let response = zone.response(to: query)
      #expect(response.answers.count == (type == .a ? 1 : 0), "\(name)")
      #expect(!response.encoded().isEmpty)
    }
  }
}
