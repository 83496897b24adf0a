import KubeObjects
import Testing

@testable import Intercept

struct ServiceRulesTests {
  private func service(_ spec: JSONValue = [:], annotations: [String: String] = [:]) -> ServiceRules {
    var service: JSONValue = [
      "spec": ["clusterIP": "10.96.0.7", "selector": ["app": "user"], "ports": [["port": 8080]]]
    ]
    service.name = "user"
    service.namespace = "testbed"
    service.annotations = annotations
    for (key, value) in spec.objectValue ?? [:] { service[path: "spec", key] = value.isNull ? nil : value }
    return ServiceRules(service: service)
  }

  @Test("A plain Service can be intercepted")
  func plain() {
    #expect(service().obstacle(headless: false) == nil)
    #expect(InterceptObstacles(pods: nil, replicaSets: nil).of(service().service) == nil)
    #expect(service().warnings.isEmpty)
  }

  @Test(
    "Names each obstacle, with its remedy",
    arguments: [
      (["type": "ExternalName"], "ExternalName"), (["clusterIP": "None"], "headless"),
      (["selector": nil], "no selector"),
      (["publishNotReadyAddresses": true], "not ready"), (["ports": nil], "no ports"),
      (["ports": [["port": 53, "protocol": "UDP"]]], "UDP ports alone"),
      (["ports": [["port": 8080], ["name": "s", "port": 9, "protocol": "SCTP"]]], "port 9 (s) of SCTP"),
    ] as [(JSONValue, String)])
  func obstacles(spec: JSONValue, words: String) throws {
    let obstacle = try #require(service(spec).obstacle(headless: false))
    #expect(obstacle.reason.contains(words))
    #expect(obstacle.reason.contains("testbed/user"))
    #expect(!obstacle.remedy.isEmpty)
  }

  @Test("Endpoints that somebody else keeps are named")
  func foreign() {
    var slice: JSONValue = ["endpoints": [["addresses": ["192.0.2.1"]]]]
    slice.name = "by-hand"
    func rules(_ spec: JSONValue = [:]) -> ServiceRules {
      ServiceRules(service: service(spec).service, foreign: ForeignEndpoints([slice]))
    }
    #expect(rules(["selector": nil]).obstacle(headless: false)?.reason.hasSuffix("(EndpointSlice by-hand)") == true)
    #expect(rules().obstacle(headless: false) == nil)
    #expect(rules().warnings.first?.contains("(EndpointSlice by-hand)") == true)
  }

  @Test("UDP beside TCP is reported, and is not among the ports that can be taken over")
  func datagrams() {
    let both = service(["ports": [["port": 53], ["name": "dns", "port": 53, "protocol": "UDP"]]])
    #expect(both.obstacle(headless: false) == nil)
    #expect(both.warnings.count == 1)
    #expect(both.warnings.first?.contains("port 53 (dns) of Service testbed/user") == true)
    #expect(both.plannedPorts([:]).map(\.name) == [nil])
  }

  @Test("A headless Service is no obstacle if it is asked for")
  func headless() {
    let headless = service(["clusterIP": "None"])
    #expect(headless.obstacle(headless: true) == nil)
    #expect(headless.obstacle(headless: false)?.remedy.contains("--headless") == true)
    #expect(headless.warnings.first?.contains("keep an address") == true)
    #expect(service(["clusterIP": "None", "selector": nil]).obstacle(headless: true) != nil)
    #expect(InterceptObstacles.option(for: headless.service) == "--headless")
    #expect(InterceptObstacles.option(for: service().service) == nil)
  }

  // MARK: Places and names of Pods

  private func pod(node: String?, hostname: String? = nil, subdomain: String? = nil) -> JSONValue {
    var pod: JSONValue = ["spec": [:]]
    pod[path: "spec", "nodeName"] = node.map { JSONValue($0) }
    pod[path: "spec", "hostname"] = hostname.map { JSONValue($0) }
    pod[path: "spec", "subdomain"] = subdomain.map { JSONValue($0) }
    return pod
  }

  @Test("Policies of Local are fine while all Pods are on one node", arguments: ["internal", "external"])
  func local(kind: String) {
    let local = service(["\(kind)TrafficPolicy": "Local"])
    #expect(local.obstacle(headless: false) == nil)
    #expect(local.refusal(of: [pod(node: "a"), pod(node: "a"), pod(node: nil)]) == nil)
    let refusal = local.refusal(of: [pod(node: "b"), pod(node: "a")])
    #expect(refusal?.message.contains("\(kind)TrafficPolicy: Local") == true)
    #expect(refusal?.message.contains("(a, b)") == true)
    #expect(local.warnings.count == 1)
    let cluster = service(["\(kind)TrafficPolicy": "Cluster"])
    #expect(cluster.refusal(of: [pod(node: "b"), pod(node: "a")]) == nil)
    #expect(cluster.warnings.isEmpty)
  }

  @Test("Several Pods with names of their own below a headless Service are refused; one gives the agent its name")
  func podNames() {
    let headless = service(["clusterIP": "None"])
    let (first, second) = (
      pod(node: "a", hostname: "user-0", subdomain: "user"), pod(node: "a", hostname: "user-1", subdomain: "user")
    )
    #expect(headless.refusal(of: [first, second])?.message.contains("user-0.user, user-1.user") == true)
    #expect(headless.refusal(of: [first]) == nil)
    #expect(headless.podNames([first, pod(node: "a")]) == [PodName(hostname: "user-0", subdomain: "user")])
    #expect(headless.podNames([pod(node: "a", hostname: "user-0", subdomain: "other")]).isEmpty)
    #expect(service().refusal(of: [first, second]) == nil)
  }

  @Test("A Service that is diverted already says to which agent")
  func diverted() {
    #expect(service().agent == nil)
    #expect(service(["selector": ["app": "user", "devtunnel.dev/agent": "user"]]).agent == "user")
  }

  @Test("Load balancers that go to Pods are warned of")
  func loadBalancer() {
    #expect(service(annotations: ["cloud.google.com/neg": "{}"]).warnings.count == 1)
  }

  // MARK: Target ports

  private let template: JSONValue = [
    "spec": [
      "containers": [
        [
          "ports": [["name": "http", "containerPort": 8080], ["name": "dns", "containerPort": 53, "protocol": "UDP"]]
        ],
        ["ports": [["name": "metrics", "containerPort": 9100]]],
      ],
      "initContainers": [
        ["ports": [["name": "setup", "containerPort": 1]]],
        ["restartPolicy": "Always", "ports": [["name": "stats", "containerPort": 9102]]],
      ],
    ]
  ]

  @Test(
    "A target port by number, by name of any container, or the Service's own",
    arguments: [
      (["port": 80], 80), (["port": 80, "targetPort": 8081], 8081), (["port": 80, "targetPort": "8082"], 8082),
      (["port": 80, "targetPort": "http"], 8080),
      (["port": 80, "targetPort": "metrics"], 9100), (["port": 80, "targetPort": "nope"], nil),
      (["port": 80, "targetPort": "dns"], nil), (["port": 80, "targetPort": "dns", "protocol": "UDP"], 53),
      (["port": 80, "targetPort": 70000], nil), (["port": 80, "targetPort": "stats"], 9102),
      (["port": 80, "targetPort": "setup"], nil),
    ] as [(JSONValue, UInt16?)])
  func targetPort(port: JSONValue, expected: UInt16?) {
    #expect(ServiceRules.targetPort(port, template: template) == expected)
  }

  // MARK: HTTP/2

  @Test(
    "HTTP/2 by appProtocol or by the port's name; appProtocol has the last word",
    arguments: [
      (["port": 1, "appProtocol": "kubernetes.io/h2c"], true), (["port": 1, "appProtocol": "GRPC"], true),
      (["port": 1, "name": "grpc"], true),
      (["port": 1, "name": "grpc-web"], true), (["port": 1, "name": "http2-public"], true),
      (["port": 1, "name": "h2c"], true),
      (["port": 1, "name": "http"], false), (["port": 1, "name": "grpcish"], false), (["port": 1], false),
      (["port": 1, "name": "grpc", "appProtocol": "http"], false),
    ] as [(JSONValue, Bool)])
  func http2(port: JSONValue, expected: Bool) {
    #expect(service().speaksHTTP2(port) == expected)
  }

  @Test(
    "HTTP/2 by an ingress's annotation, by number or name",
    arguments: [
      ("contour.heptio.com/upstream-protocol.h2c", "8080", true),
      ("projectcontour.io/upstream-protocol.h2", "9090,web", true),
      ("contour.heptio.com/upstream-protocol.h2c", "80", false),
      ("projectcontour.io/upstream-protocol.h2c", "1, 8080", true),
      ("projectcontour.io/upstream-protocol.h2c", " web ,1", true),
      ("projectcontour.io/upstream-protocol.h2c", "80 80", false),
      ("contour.heptio.com/upstream-protocol.tls", "8080", false),
    ])
  func annotation(key: String, value: String, expected: Bool) {
    #expect(service(annotations: [key: value]).speaksHTTP2(["port": 8080, "name": "web"]) == expected)
  }

  @Test(
    "A port whose connections are no plain HTTP is known by its appProtocol, else by its name",
    arguments: [
      (["appProtocol": "https", "name": "web"], "https"), (["appProtocol": "TCP"], "tcp"), (["name": "tls-web"], "tls"),
      (["name": "https"], "https"), (["name": "http"], nil), (["appProtocol": "http", "name": "https"], nil),
      (["appProtocol": "kubernetes.io/h2c"], nil), (["name": "grpc"], nil), ([:], nil),
    ] as [(JSONValue, String?)])
  func opaque(port: JSONValue, word: String?) {
    #expect(ServiceRules.opaque(port) == word)
    var planned = PlannedPort(servicePort: 443, name: "web", podPort: 8443, localPort: 8443, speaksHTTP2: false)
    planned.opaque = word
    #expect(
      planned.opacity(of: "shop/web")?.contains("443 (web) of Service shop/web is said to be")
        == (word.map { _ in true }))
  }
}
