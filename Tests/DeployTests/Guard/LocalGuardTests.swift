import HTTPTestSupport
import KubeAPI
import KubeObjects
import Testing

@testable import Deploy

struct LocalGuardTests {
  private func node(_ name: String, provider: String = "", boot: String = "b", labels: [String: String] = [:])
    -> JSONValue
  {
    [
      "metadata": ["name": JSONValue(name), "labels": JSONValue(labels)], "spec": ["providerID": JSONValue(provider)],
      "status": ["nodeInfo": ["bootID": JSONValue(boot), "kubeletVersion": "v1.36.0"]],
    ]
  }

  @Test("Nodes on this kernel are local, all of them")
  func kernel() {
    #expect(NodeSigns(nodes: [node("a"), node("b")], bootID: "b").areOnThisKernel)
    #expect(!NodeSigns(nodes: [node("a"), node("b", boot: "other")], bootID: "b").areOnThisKernel)
    #expect(!NodeSigns(nodes: [], bootID: "b").areOnThisKernel)
    #expect(!NodeSigns(nodes: [node("a", boot: "")], bootID: "").areOnThisKernel)
  }

  @Test("Products by what their nodes bear")
  func products() {
    func product(_ nodes: JSONValue...) -> String? { NodeSigns(nodes: nodes, bootID: nil).product }
    #expect(product(node("kind-control-plane", provider: "kind://docker/kind/kind-control-plane")) == "kind")
    #expect(product(node("k3d-x-server-0", provider: "k3s://k3d-x-server-0")) == "k3d")
    #expect(product(node("pi", provider: "k3s://pi")) == "k3s")
    #expect(product(node("m", labels: ["minikube.k8s.io/name": "m"])) == "minikube")
    #expect(product(node("ip-10-0-0-1", provider: "aws:///eu-1/i-1")) == nil)
    #expect(product(node("docker-desktop"), node("ip-10-0-0-1")) == nil)
  }

  @Test("A loopback address alone proves nothing: it may be a tunnel's end")
  func loopback() {
    let plain = NodeSigns(nodes: [node("ip-10-0-0-1")], bootID: "mine")
    #expect(LocalGuard.reason(plain, .loopback) == nil)
    let desktop = NodeSigns(nodes: [node("docker-desktop")], bootID: "mine")
    #expect(LocalGuard.reason(desktop, .loopback) != nil)
    #expect(LocalGuard.reason(desktop, .elsewhere) == nil)
  }

  private func decide(_ signs: NodeSigns, _ place: ServerAddress.Place, isAllowed: Bool = false, known: String? = nil)
    -> String
  {
    switch LocalGuard.decide(
      signs, place, context: "c", server: "https://s", identity: "now", isAllowed: isAllowed, known: known)
    {
    case .local: "local"
    case .allowed: "allowed"
    case .ask: "ask"
    case .refused(let error): "\(error.code)"
    }
  }

  @Test("Only this kernel's nodes are local without a word; what nodes say of themselves counts with a person's answer")
  func decisions() {
    let here = NodeSigns(nodes: [node("a", boot: "mine")], bootID: "mine")
    let kind = NodeSigns(nodes: [node("k", provider: "kind://docker/k/k")], bootID: "mine")
    let remote = NodeSigns(nodes: [node("ip-10-0-0-1")], bootID: "mine")
    #expect(decide(here, .elsewhere) == "local")
    #expect(
      decide(kind, .onLink(interface: "eth0")) == "ask" && decide(kind, .loopback) == "ask"
        && decide(kind, .elsewhere) == "notLocal")
    #expect(decide(remote, .loopback) == "notLocal" && decide(remote, .loopback, isAllowed: true) == "allowed")
    #expect(decide(kind, .loopback, known: "now") == "allowed" && decide(remote, .elsewhere, known: "now") == "allowed")
    for signs in [here, kind, remote] { #expect(decide(signs, .loopback, known: "before") == "clusterChanged") }
    #expect(decide(remote, .loopback, isAllowed: true, known: "before") == "allowed")
  }

  @Test(
    "Addresses",
    arguments: [
      ("127.0.0.1", true), ("localhost", true), ("::1", true), ("kubernetes.docker.internal", true),
      ("192.0.2.1", false), ("k8s.example.com", false),
    ])
  func addresses(host: String, isLoopback: Bool) { #expect((ServerAddress.place(of: host) == .loopback) == isLoopback) }

  /// - Parameter uid: of kube-system; nil: the server refuses to show it.
  private func server(
    uid: String?, status: Int = 403, _ body: (KubeClient) async throws -> Void
  ) async throws {
    try await withServer(
      { request, connection in
        switch request.path {
        case "/api/v1/namespaces/kube-system":
          if let uid {
            connection.reply(["kind": "Namespace", "metadata": ["name": "kube-system", "uid": JSONValue(uid)]])
          } else {
            connection.failure(status, "Status", "namespaces \"kube-system\" is not for you")
          }
        default: connection.failure(403, "Forbidden", "nodes is forbidden")
        }
      }) { client, _ in try await body(client) }
  }

  private func change(_ client: KubeClient, _ change: (inout ClusterAccess) -> Void) -> KubeClient {
    var access = client.access
    change(&access)
    return KubeClient(access)
  }

  @Test(
    "A user of one namespace, who may read neither kube-system nor the nodes, can allow a context",
    arguments: [403, 404])
  func oneNamespace(status: Int) async throws {
    try await server(uid: nil, status: status) { client in
      var pin: String?
      await #expect(throws: DeployError.self) { try await LocalGuard.check(client: client, context: "c") }
      pin = try await LocalGuard.check(client: client, context: "c", consent: ClusterConsent(isAllowed: true)).identity
      // It is remembered from then on, for this route alone.
      let known = ClusterConsent(known: pin)
      #expect(try await LocalGuard.check(client: client, context: "c", consent: known).identity == pin)
      let others = [
        change(client) { $0.certificateAuthority = Array("another".utf8) }, change(client) { $0.tlsServerName = "b" },
        change(client) { $0.user = ["another"] },
      ]
      for other in others {
        let error = await #expect(throws: DeployError.self) {
          try await LocalGuard.check(client: other, context: "c", consent: known)
        }
        #expect(error?.code == .clusterChanged)
      }
    }
  }

  @Test("A cluster is known by its UID and by the authority that vouches for it, whoever asks")
  func identities() async throws {
    try await server(uid: "u1") { client in
      let authority = change(client) { $0.certificateAuthority = Array("PEM \n".utf8) }
      let pin = try await LocalGuard.identity(of: authority)
      let same = change(authority) {
        $0.user = ["another"]
        $0.certificateAuthority = Array("PEM".utf8)
      }
      #expect(try await LocalGuard.identity(of: same) == pin)
      let restored = change(client) { $0.certificateAuthority = Array("another".utf8) }
      #expect(try await LocalGuard.identity(of: restored) != pin)
      #expect(try await LocalGuard.identity(of: client) == "u1 \(client.access.server)")
    }
  }

  @Test("A server that fails is no server that refuses")
  func failure() async throws {
    try await server(uid: nil, status: 401) { client in
      await #expect(throws: DeployError.self) {
        try await LocalGuard.check(client: client, context: "c", consent: ClusterConsent(isAllowed: true))
      }
    }
  }
}
