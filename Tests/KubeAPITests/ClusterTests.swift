import Foundation
import KubeAPI
import KubeObjects
import Testing

private let kubeconfig = ProcessInfo.processInfo.environment["DEVTUNNEL_TEST_KUBECONFIG"]

/// Against a real Kubernetes, as a user who may make namespaces.
@Suite(
  .enabled(if: kubeconfig != nil, "set DEVTUNNEL_TEST_KUBECONFIG to a cluster's kubeconfig"), .timeLimit(.minutes(3)),
  .serialized)
struct ClusterTests {
  private let client: KubeClient

  init() throws {
    client = KubeClient(try ClusterAccess.load(kubeconfig: kubeconfig))
  }

  /// A namespace of the test's own.
  private func withNamespace(_ body: (String) async throws -> Void) async throws {
    let name = "kube-api-test-\(UInt32.random(in: 0 ... .max))"
    try await client.create(
      ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": JSONValue(name)]], as: .namespaces)
    let result = await Result { try await body(name) }
    try await client.delete(.namespaces, name, propagation: .background)
    try result.get()
  }

  private func configMap(_ name: String, _ data: [String: String]) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": JSONValue(name), "labels": ["test": "yes"]],
      "data": JSONValue(data),
    ]
  }

  @Test func versionAndHealth() async throws {
    let version = try await client.serverVersion()
    #expect(version.hasPrefix("v1."))
    let ready = try await client.raw("/readyz")
    #expect(ready == Array("ok".utf8))
    let review = try await client.selfSubjectAccessReview(
      verb: "create", .pods, subresource: "portforward", namespace: "default")
    #expect(review.isAllowed)
  }

  @Test func writesAndReads() async throws {
    try await withNamespace { namespace in
      for index in 0..<7 {
        try await client.create(configMap("c\(index)", ["a": "1"]), as: .configMaps, namespace: namespace)
      }
      let list = try await client.list(
        .configMaps, namespace: namespace, labels: LabelSelector(matchLabels: ["test": "yes"]), pageSize: 2)
      #expect(list.items.compactMap(\.name) == (0..<7).map { "c\($0)" })
      let conflict = await #expect(throws: KubeError.self) {
        try await client.create(configMap("c0", [:]), as: .configMaps, namespace: namespace)
      }
      #expect(conflict?.isConflict == true)

      let test = JSONPatch([.test(JSONPointer("data", "a"), "1"), .replace(JSONPointer("data", "a"), "2")])
      let patched = try await client.patch(.configMaps, "c0", namespace: namespace, test)
      #expect(patched[path: "data", "a"] == "2")
      let refused = await #expect(throws: KubeError.self) {
        try await client.patch(.configMaps, "c0", namespace: namespace, test)
      }
      #expect(refused?.statusCode == 422)
      let merged = try await client.patch(
        .configMaps, "c0", namespace: namespace, type: .merge, ["data": ["a": nil, "b": "3"]])
      #expect(merged["data"] == ["b": "3"])
      let strategic = try await client.patch(
        .configMaps, "c0", namespace: namespace, type: .strategic, ["data": ["c": "4"]])
      #expect(strategic["data"] == ["b": "3", "c": "4"])
      let applied = try await client.patch(
        .configMaps, "new", namespace: namespace, type: .apply, configMap("new", ["x": "y"]), force: true)
      #expect(applied["data"] == ["x": "y"])
      let stale = await #expect(throws: KubeError.self) {
        try await client.update(list.items[0], as: .configMaps, namespace: namespace)
      }
      #expect(stale?.isConflict == true)
      let other = await #expect(throws: KubeError.self) {
        try await client.delete(.configMaps, "c1", namespace: namespace, uid: "other")
      }
      #expect(other?.isConflict == true)
      try await client.delete(.configMaps, "c1", namespace: namespace)
      let gone = try await client.find(.configMaps, "c1", namespace: namespace)
      #expect(gone == nil)
    }
  }

  @Test func watches() async throws {
    try await withNamespace { namespace in
      try await client.create(configMap("first", [:]), as: .configMaps, namespace: namespace)
      var names: [String] = []
      for try await event in client.watch(
        .configMaps, namespace: namespace, labels: LabelSelector(matchLabels: ["test": "yes"]))
      {
        switch event {
        case .added(let object): names.append("+\(object.name ?? "")")
        case .modified(let object): names.append("~\(object.name ?? "")")
        case .deleted(let object): names.append("-\(object.name ?? "")")
        case .bookmark:
          names.append("=")
          try await client.create(configMap("second", [:]), as: .configMaps, namespace: namespace)
          try await client.patch(.configMaps, "second", namespace: namespace, type: .merge, ["data": ["a": "b"]])
          try await client.delete(.configMaps, "second", namespace: namespace)
        }
        if names.count == 5 { break }
      }
      #expect(names == ["+first", "=", "+second", "~second", "-second"])
    }
  }

  /// HTTP/2 carries many watches on one connection; one without a reader must not hold up the others.
  @Test func aWatchThatNobodyReadsHoldsNothingUp() async throws {
    try await withNamespace { namespace in
      let big = String(repeating: "x", count: 900_000)
      for index in 0..<16 {
        try await client.create(configMap("big\(index)", ["x": big]), as: .configMaps, namespace: namespace)
      }
      let request = HTTPRequest(
        "GET", "/api/v1/namespaces/\(namespace)/configmaps", query: [("watch", "true")], timeout: nil)
      var unread: [HTTPResponseStream] = []
      for _ in 0..<5 { unread.append(try await client.open(request)) }
      try await Task.sleep(for: .seconds(1))
      let start = ContinuousClock.now
      for _ in 0..<20 { _ = try await client.serverVersion() }
      #expect(ContinuousClock.now - start < .seconds(5))
      for stream in unread {
        var count = 0
        while count < 16 * 900_000, let bytes = try await stream.body.next() { count += bytes.count }
        #expect(count >= 16 * 900_000)
      }
    }
  }

  /// Forty watches at once, each on its list: one connection carries them.
  @Test func watchesShareAConnection() async throws {
    let mine = { Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) }
    _ = try await client.serverVersion()
    let before = try mine()
    var iterators: [WatchSequence.AsyncIterator] = []
    for _ in 0..<40 {
      let list = try await client.list(.namespaces, namespace: nil)
      var iterator = client.watch(.namespaces, namespace: nil, from: .resourceVersion("0")).makeAsyncIterator()
      _ = try await iterator.next()
      #expect(!list.items.isEmpty)
      iterators.append(iterator)
    }
    let more = try mine().subtracting(before).count
    #expect(more < 20, "\(more) descriptors for \(iterators.count) watches")
  }

  @Test func dialsAPod() async throws {
    let pods = try await client.list(.pods, namespace: nil, fields: "status.phase=Running").items
    let pod = try #require(
      pods.first {
        $0[path: "spec", "hostNetwork"]?.boolValue != true && $0[path: "spec", "containers"]?[0]?["ports"]?[0] != nil
      })
    let port = try #require(
      pod[path: "spec", "containers"]?[0]?["ports"]?.elements.first { $0["protocol"] != "UDP" }?["containerPort"]?
        .intValue)
    let path = APIResource.pods.path(namespace: pod.namespace, name: pod.name, subresource: "portforward")
    let connection = try await client.dialWebSocket(
      path: path, query: [("ports", String(port))], subprotocols: ["v4.channel.k8s.io"])
    #expect(connection.subprotocol == "v4.channel.k8s.io")
    // Channel 0 begins with the port, in a binary message of three bytes (RFC 6455, section 5.2).
    var bytes = connection.leftover
    var chunk = [UInt8](repeating: 0, count: 100)
    while bytes.count < 5 {
      switch chunk.withUnsafeMutableBytes({ connection.receive($0.baseAddress!, $0.count) }) {
      case .received(let count): bytes += chunk[..<count]
      case .again: try await Task.sleep(for: .milliseconds(5))
      case let other:
        Issue.record("\(other)")
        return
      }
    }
    #expect(bytes.prefix(2) == [0x82, 3] && bytes[3...4] == [UInt8(port & 255), UInt8(port >> 8)])
    let refused = await #expect(throws: KubeError.self) {
      try await client.dialWebSocket(path: path, subprotocols: ["v4.channel.k8s.io"])
    }
    #expect(refused?.statusCode == 400)
    let unknown = await #expect(throws: KubeError.self) {
      try await client.dialWebSocket(path: path, query: [("ports", String(port))], subprotocols: ["v5.channel.k8s.io"])
    }
    #expect(unknown?.isForbidden == true)
  }

  /// The server's certificate is made for `kubernetes` as well as for its address.
  @Test func asksForAnotherName() async throws {
    var access = client.access
    access.tlsServerName = "kubernetes"
    let version = try await KubeClient(access).serverVersion()
    #expect(version.hasPrefix("v1."))
    let dialled = await #expect(throws: KubeError.self) {
      try await KubeClient(access).dialWebSocket(path: "/nothing", subprotocols: ["a"])
    }
    #expect(dialled?.isNotFound == true)
    access.tlsServerName = "wrong.example"
    let error = await #expect(throws: KubeError.self) { try await KubeClient(access).serverVersion() }
    guard case .certificate = error else {
      Issue.record("\(error as Any)")
      return
    }
  }

  @Test func trustsTheClustersAuthorityAlone() async throws {
    var access = client.access
    access.certificateAuthority = nil
    let system = await #expect(throws: KubeError.self) { try await KubeClient(access).serverVersion() }
    guard case .certificate = system else {
      Issue.record("\(system as Any)")
      return
    }
    access.insecureSkipTLSVerify = true
    let version = try await KubeClient(access).serverVersion()
    #expect(version.hasPrefix("v1."))
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
