import KubeObjects
import Testing

@testable import Images

@Suite struct ProductTests {
  /// One node as products have it; what is not said is as kubeadm on containerd has it.
  func facts(
    name: String = "node", version: String = "v1.34.0", runtime: String = "containerd://2.1.4",
    osImage: String = "Debian GNU/Linux 12 (bookworm)",
    labels: JSONValue = [:], annotations: JSONValue = [:], provider: String? = nil, boot: String = "elsewhere",
    registry: String? = nil,
    environment: [String: String] = [:], files: Set<String> = [], server: String = "127.0.0.1",
    own: Set<String> = ["/x"], confirmed: Set<String> = []
  ) -> ClusterFacts {
    var node: JSONValue = [
      "metadata": ["name": .string(name), "labels": labels, "annotations": annotations], "spec": [:],
      "status": [
        "nodeInfo": [
          "bootID": .string(boot), "containerRuntimeVersion": .string(runtime), "kubeletVersion": .string(version),
          "osImage": .string(osImage),
        ]
      ],
    ]
    if let provider { node[path: "spec", "providerID"] = .string(provider) }
    return ClusterFacts(
      nodes: [node], localRegistry: registry, environment: environment, bootID: "here", exists: { files.contains($0) },
      server: server,
      isOwn: own.contains, confirms: confirmed.contains)
  }

  func detect(_ facts: ClusterFacts) throws -> ClusterProduct { try ClusterProduct.detect(facts, context: "any") }

  @Test func productsByTheirMarks() throws {
    #expect(
      try detect(facts(osImage: "devtunnel lab", annotations: ["devtunnel.dev/lab-images": "/x"], boot: "here"))
        == .lab(images: "/x"))
    #expect(
      try detect(facts(name: "my-control-plane", provider: "kind://docker/my/my-control-plane")) == .kind(name: "my"))
    #expect(try detect(facts(name: "minikube", labels: ["minikube.k8s.io/name": "p2"])) == .minikube(profile: "p2"))
    #expect(
      try detect(
        facts(
          runtime: "docker://28.0.1", labels: ["minikube.k8s.io/name": "p2"],
          environment: ["MINIKUBE_ACTIVE_DOCKERD": "p2"])) == .shared(.docker))
    #expect(try detect(facts(name: "k3d-a-server-b-server-0", version: "v1.33.1+k3s1")) == .k3d(name: "a-server-b"))
    #expect(try detect(facts(name: "docker-desktop", runtime: "docker://28.0.1")) == .shared(.docker))
    #expect(try detect(facts(name: "colima", version: "v1.33.1+k3s1", runtime: "docker://28.0.1")) == .shared(.docker))
  }

  @Test func nodesOfThisMachineByTheKernelsBoot() throws {
    let k3s: Set = ["/run/k3s/containerd/containerd.sock"]
    #expect(try detect(facts(version: "v1.33.1+k3s1", boot: "here", files: k3s)) == .k3s)
    #expect(throws: BuildError.self) { try detect(facts(version: "v1.33.1+k3s1", files: k3s)) }
    #expect(try detect(facts(boot: "here", files: ["/run/containerd/containerd.sock"])) == .containerd(prefix: []))
    #expect(
      try detect(facts(runtime: "cri-o://1.33", boot: "here", files: ["/run/crio/crio.sock"])) == .shared(.podman))
    #expect(try detect(facts(runtime: "docker://28.0.1", boot: "here")) == .shared(.docker))
    #expect(throws: BuildError.self) { try detect(facts(runtime: "docker://28.0.1")) }
  }

  @Test func anUnknownOneIsToldWithTheChoices() throws {
    let error = #expect(throws: BuildError.self) { try detect(facts(boot: "here")) }
    #expect(error?.reason == .unknownProduct)
    #expect(error?.message.contains("node node, Debian GNU/Linux 12 (bookworm), containerd://2.1.4, v1.34.0") == true)
    #expect(error?.remedy?.contains("--load KIND") == true && error?.remedy?.contains("registry[:PUSH[=PULL]]") == true)
  }

  @Test func whatLoadSays() throws {
    #expect(try ClusterProduct(parsing: "containerd:sudo -n") == .containerd(prefix: ["sudo", "-n"]))
    #expect(try ClusterProduct(parsing: "kind") == .kind(name: "kind"))
    #expect(try ClusterProduct(parsing: "k3d:a") == .k3d(name: "a"))
    #expect(try ClusterProduct(parsing: "podman") == .shared(.podman))
    #expect(try ClusterProduct(parsing: "registry") == .registry(.init(push: "")))
    #expect(try ClusterProduct(parsing: "registry,insecure") == .registry(.init(push: "", isInsecure: true)))
    #expect(
      try ClusterProduct(parsing: "registry:localhost:5000/p=registry:5000/p,insecure")
        == .registry(.init(push: "localhost:5000/p", pull: "registry:5000/p", isInsecure: true)))
    for wrong in ["lab", "k3s:x", "", "kubectl"] {
      #expect(throws: BuildError.self) { try ClusterProduct(parsing: wrong) }
    }
  }

  @Test(arguments: [
    ("web", "docker.io/library/web", "r:5/web"), ("team/web", "docker.io/team/web", "r:5/team/web"),
    ("localhost/web", "localhost/web", "r:5/web"),
    ("registry.example/a/web", "registry.example/a/web", "r:5/registry_example/a/web"),
    ("r:5/web", "r:5/web", "r:5/web"),
  ]) func names(_ name: String, full: String, below: String) {
    #expect(ImageName(name).full == full)
    #expect(ImageName(name).below("r:5") == below)
  }

  @Test func linesOutOfBytes() {
    var lines = LineSplitter()
    #expect(Array("a\r\n10%\r20%\n\nb".utf8).withUnsafeBytes { lines.split($0) } == ["a", "20%", ""])
    #expect(Array("c\n".utf8).withUnsafeBytes { lines.split($0) } == ["bc"])
    #expect(lines.rest() == nil)
  }
}

extension ProductTests {
  @Test func anAnnouncedRegistryGoesBeforeTheProductsOwnWay() throws {
    let announcement =
      """
      host: "localhost:5001"
      hostFromContainerRuntime: "registry:5000"
      help: "https://kind.sigs.k8s.io/docs/user/local-registry/"

      """
    let kind = facts(provider: "kind://docker/my/my-control-plane", registry: announcement)
    #expect(try detect(kind) == .registry(.init(push: "localhost:5001", pull: "registry:5000", isInsecure: true)))
    #expect(try detect(facts(provider: "kind://docker/my/my-control-plane", registry: "no: [")) == .kind(name: "my"))
  }

  @Test(
    "Only a registry on this machine is taken at the cluster's word, and only there TLS is not asked for",
    arguments: [
      ("localhost:5001", true), ("127.0.0.1:5000/p", true), ("127.8.8.8", true), ("[::1]:5000", true),
      ("LOCALHOST:5000", true),
      ("localhost.evil.example:5000", false), ("127.evil.example", false), ("127.0.0.1.evil.example", false),
      ("localhost@evil.example", false),
      ("evil.example/localhost", false), ("a.localhost.evil.example", false), ("8.8.8.8:5000", false),
      ("registry.example", false), ("[::2]:5000", false),
      ("--evil", false), ("10.1.2.3:5000", false), ("0x7f000001", false), ("127.1", false),
    ])
  func announced(host: String, isTaken: Bool) throws {
    let product = try detect(facts(provider: "kind://docker/my/x", registry: "host: '\(host)'\n"))
    #expect(product == (isTaken ? .registry(.init(push: host, isInsecure: true)) : .kind(name: "my")))
  }

  @Test("A private address is taken once a person says so, with TLS; a public one never")
  func confirmed() throws {
    for (host, isTaken) in [
      ("10.1.2.3:5000", true), ("192.168.1.1", true), ("172.31.0.1:1", true), ("172.32.0.1:1", false),
      ("8.8.8.8", false),
    ] {
      let product = try detect(facts(provider: "kind://docker/my/x", registry: "host: '\(host)'\n", confirmed: [host]))
      #expect(product == (isTaken ? .registry(.init(push: host)) : .kind(name: "my")), "\(host)")
    }
  }

  @Test("A name below .localhost is this machine if it resolves to this machine alone")
  func localhostNames() throws {
    let registry = try #require(AnnouncedRegistry(parsing: "host: k3d-registry.localhost:5000\n"))
    #expect(registry.place { $0 == "k3d-registry.localhost" ? ["127.0.0.1", "::1"] : [] } == .here)
    #expect(registry.place { _ in ["127.0.0.1", "203.0.113.1"] } == .elsewhere)
    #expect(registry.place { _ in [] } == .elsewhere)
    #expect(
      AnnouncedRegistry(parsing: "host: 'a b'\n") == nil
        && AnnouncedRegistry(parsing: "host: a\nhostFromContainerRuntime: '-x'\n")?.pull == nil)
  }

  @Test("A lab's directory counts where the lab is this machine's and the directory this user's")
  func labs() throws {
    func images(_ path: String, server: String = "127.0.0.1", boot: String = "here") -> String? {
      facts(
        osImage: "devtunnel lab", annotations: ["devtunnel.dev/lab-images": .string(path)], boot: boot, server: server,
        own: ["/x", "/x/../etc"]
      ).labImages
    }
    #expect(images("/x") == "/x" && images("/x", server: "localhost") == "/x" && images("/x", server: "::1") == "/x")
    #expect(images("/home/alice") == nil && images("x") == nil && images("/x/../etc") == nil)
    #expect(
      images("/x", server: "10.0.0.1") == nil && images("/x", server: "127.evil.example") == nil
        && images("/x", boot: "elsewhere") == nil)
  }
}
