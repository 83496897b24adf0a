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
    #expect(service().obstacle == nil)
    #expect(InterceptObstacles(pods: nil, replicaSets: nil).of(service().service) == nil)
    #expect(service().warnings.isEmpty)
  }

  @Test(
    "Names each obstacle, with its remedy",
    arguments: [
      (["type": "ExternalName"], "ExternalName"), (["clusterIP": "None"], "headless"),
      (["selector": nil], "no selector"),
      (["internalTrafficPolicy": "Local"], "internalTrafficPolicy: Local"),
      (["externalTrafficPolicy": "Local"], "externalTrafficPolicy: Local"),
      (["ports": [["port": 8080], ["port": 53, "protocol": "UDP"]]], "port 53 of UDP"),
      (["ports": [["port": 9, "protocol": "SCTP"]]], "port 9 of SCTP"),
    ] as [(JSONValue, String)])
  func obstacles(spec: JSONValue, words: String) throws {
    let obstacle = try #require(service(spec).obstacle)
    #expect(obstacle.reason.contains(words))
    #expect(obstacle.reason.contains("testbed/user"))
    #expect(!obstacle.remedy.isEmpty)
  }

  @Test("Policies of Cluster are none")
  func cluster() {
    #expect(service(["internalTrafficPolicy": "Cluster", "externalTrafficPolicy": "Cluster"]).obstacle == nil)
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
      ]
    ]
  ]

  @Test(
    "A target port by number, by name of any container, or the Service's own",
    arguments: [
      (["port": 80], 80), (["port": 80, "targetPort": 8081], 8081), (["port": 80, "targetPort": "8082"], 8082),
      (["port": 80, "targetPort": "http"], 8080),
      (["port": 80, "targetPort": "metrics"], 9100), (["port": 80, "targetPort": "nope"], nil),
      (["port": 80, "targetPort": "dns"], nil),
      (["port": 80, "targetPort": 70000], nil),
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
      ("contour.heptio.com/upstream-protocol.tls", "8080", false),
    ])
  func annotation(key: String, value: String, expected: Bool) {
    #expect(service(annotations: [key: value]).speaksHTTP2(["port": 8080, "name": "web"]) == expected)
  }
}
