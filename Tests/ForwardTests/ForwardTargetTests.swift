import ControlAPI
import KubeObjects
import Testing
import TunnelProtocol

@testable import Forward

/// A cluster may report anything about a Service, an EndpointSlice or a Pod.
@Suite struct ForwardTargetTests {
  private func service(_ spec: JSONValue) -> JSONValue {
    ["metadata": ["namespace": "shop", "name": "user"], "spec": spec]
  }

  /// The agent takes 4 and 16 bytes for an address: `a.io` would be 97.46.105.111, a stranger's.
  @Test(arguments: ["a.io", "abcdef.internal1", "a.io."])
  func anExternalNameIsNeverAnAddress(name: String) throws {
    let target = try #require(
      try ForwardTarget.address(
        of: service(["type": "ExternalName", "externalName": .string(name), "ports": [["port": 443]]]), "443"))
    #expect(target.address.count != 4 && target.address.count != 16)
    #expect(
      String(decoding: target.address, as: UTF8.self) == (name.hasSuffix(".") ? name : name + ".") && target.port == 443
    )
  }

  @Test func anExternalNameOfAnotherLengthStaysAsItIs() throws {
    let target = try ForwardTarget.address(
      of: service(["type": "ExternalName", "externalName": "db.example.org", "ports": [["port": 1]]]), "1")
    #expect(target?.address == Array("db.example.org".utf8))
  }

  @Test(arguments: [0, -1, 65_536, 70_000, Int.max, Int.min])
  func aPortThatIsNoneEndsNothing(number: Int) throws {
    let port: JSONValue = ["name": "web", "port": .init(number)]
    for spec: JSONValue in [
      ["clusterIP": "10.96.0.9", "ports": [port]],
      ["type": "ExternalName", "externalName": "a.example", "ports": [port]],
      ["clusterIP": "None", "ports": [port]],
    ] {
      let error = #expect(throws: ControlError.self) { try ForwardTarget.address(of: service(spec), "web") }
      #expect(error?.code == .failed)
      #expect(throws: ControlError.self) { try ForwardTarget.address(of: service(spec), "\(number)") }
    }
    let slice: JSONValue = ["addressType": "IPv4", "ports": [port], "endpoints": [["addresses": ["10.244.0.7"]]]]
    #expect(ForwardTarget.endpoint(in: [slice], port) == nil)
    var newest = NewestEndpoint()
    #expect(newest.take([slice])?.ports["web"] == nil)
    let pod: JSONValue = [
      "metadata": ["name": "user-0"], "status": ["podIP": "10.244.0.7"],
      "spec": ["containers": [["ports": [["name": "web", "containerPort": .init(number)]]]]],
    ]
    #expect(throws: ControlError.self) { try ForwardTarget.pod("web", pod) }
  }

  @Test func aHeadlessServiceWithoutPortsReachesAnyPort() throws {
    let broker = service(["clusterIP": "None"])
    #expect(try ForwardTarget.address(of: broker, "9092") == nil)
    let slice: JSONValue = ["addressType": "IPv4", "endpoints": [["addresses": ["10.244.0.7"]]]]
    #expect(
      ForwardTarget.endpoint(in: [slice], ["port": 9092])
        == Preamble(.tcp, port: 9092, address: [10, 244, 0, 7]))
    for (spec, port) in [(["clusterIP": "None"], "kafka"), (["clusterIP": "10.96.0.9"], "9092")]
      as [(JSONValue, String)]
    {
      let error = #expect(throws: ControlError.self) { try ForwardTarget.address(of: service(spec), port) }
      #expect(error?.code == .notFound)
      #expect(error?.remedy?.contains("pod/NAME") == true)
    }
    // Its other ports belong to other Services.
    #expect(
      ForwardTarget.endpoint(in: [["addressType": "IPv4", "ports": [["name": "x", "port": 1]]]], ["port": 9092]) == nil)
  }

  @Test func aRefusalSaysWhereTheProgramMayListen() {
    #expect(ForwardListener.problem(.refused).contains("kubectl port-forward"))
    #expect(ForwardListener.problem(.timedOut) == "the cluster side answered: timedOut")
  }

  @Test func aPortThatOtherMachinesReachIsSaid() {
    for address in ["127.0.0.1", "127.0.0.5", "::1"] { #expect(Forwarding.warnings(listeningAt: address).isEmpty) }
    for address in ["0.0.0.0", "::", "192.168.1.7"] {
      #expect(Forwarding.warnings(listeningAt: address).first?.contains(address) == true)
    }
  }

  @Test(
    "A Pod's port by number, or by the name that a container that runs declares",
    arguments: [
      ("7", 7), ("web", 8080), ("stats", 9102), ("setup", nil), ("dns", nil), ("0", nil), ("nope", nil),
    ] as [(String, UInt16?)])
  func portOfAPod(port: String, number: UInt16?) {
    let pod: JSONValue = [
      "metadata": ["name": "user-0"], "status": ["podIP": "10.244.0.7"],
      "spec": [
        "containers": [
          [
            "ports": [
              ["name": "dns", "containerPort": 53, "protocol": "UDP"], ["name": "web", "containerPort": 8080],
            ]
          ]
        ],
        "initContainers": [
          ["ports": [["name": "setup", "containerPort": 1]]],
          ["restartPolicy": "Always", "ports": [["name": "stats", "containerPort": 9102]]],
        ],
      ],
    ]
    #expect((try? ForwardTarget.pod(port, pod))?.port == number)
  }

  @Test func anEndpointWithAPortIsTakenBesideOneWithout() {
    let port: JSONValue = ["name": "web", "port": 80]
    func slice(_ number: Int, _ address: String) -> JSONValue {
      [
        "addressType": "IPv4", "ports": [["name": "web", "port": .init(number)]],
        "endpoints": [["addresses": [.string(address)]]],
      ]
    }
    #expect(
      ForwardTarget.endpoint(in: [slice(70_000, "10.244.0.7"), slice(8080, "10.244.0.8")], port)
        == Preamble(.tcp, port: 8080, address: [10, 244, 0, 8]))
  }
}
