import CLinux
import ControlAPI
import Foundation
import KubeAPI
import KubeObjects
import LabAPI
import LabNode
import LabStore
import Logging
import Operations
import Testing

/// A pocket cluster with the sample application in namespace `shop`, and developers who use it.
final class Lab: Sendable {
  let directory: String
  let client: KubeClient
  let store: ObjectStore
  let node: LabNode

  private static let root = String(#filePath.prefix(upTo: #filePath.range(of: "/Tests/")!.lowerBound))

  /// nil: everything is there; else what is missing.
  static let obstacle: String? = {
    guard geteuid() == 0 else { return "the lab needs root" }
    let programs = ["runc", "buildah", "nft", "ip", "nsenter", "openssl", "busybox"]
    let directories = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    let missing = programs.filter { program in
      !directories.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
    }
    if !missing.isEmpty { return "not installed: \(missing.joined(separator: ", "))" }
    let share = ProcessInfo.processInfo.environment["DEVTUNNEL_SHARE"] ?? root + "/share/devtunnel"
    guard FileManager.default.fileExists(atPath: share + "/devtunnel-agent-amd64") else {
      return "no agent in \(share): run Sources/Agent/build-agent.sh share/devtunnel"
    }
    setenv("DEVTUNNEL_SHARE", share, 1)
    return nil
  }()

  /// A user who may do nothing but what a test grants.
  static let limitedName = "limited", limitedToken = "limited-token"

  /// The built command, beside the tests.
  static let executable: String? = {
    let arguments = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? "/proc/self/exe"
    let real = URL(filePath: arguments).resolvingSymlinksInPath().deletingLastPathComponent().path + "/devtunnel"
    return FileManager.default.isExecutableFile(atPath: real) ? real : nil
  }()

  /// Runs a lab around a test; everything is gone afterwards.
  static func run(_ test: @Sendable (Lab) async throws -> Void) async throws {
    let directory = "/tmp/devtunnel-lab-test-\(UUID().uuidString.prefix(8).lowercased())"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let logger = Logger(label: "lab", factory: { _ in SwiftLogNoOpLogHandler() })
    var configuration = LabNodeConfiguration(stateDirectory: directory + "/node")
    configuration.labName = directory.split(separator: "/").last.map(String.init) ?? "devtunnel-lab-test"
    let store = ObjectStore()
    let node = try LabNode(configuration: configuration, store: store, logger: logger)
    try await node.prepareSampleImages()
    let server = LabServer(
      configuration: LabConfiguration(
        stateDirectory: directory, dnsAddress: configuration.clusterDNS, tokens: [limitedToken: limitedName]),
      store: store,
      node: node, logger: logger)
    let (ready, whenReady) = AsyncStream.makeStream(of: Void.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await node.run() }
      group.addTask {
        defer { whenReady.finish() }
        try await server.run { _ in whenReady.yield() }
      }
      guard await ready.first(where: { _ in true }) != nil else { return try await group.waitForAll() }
      let result: Result<Void, any Error>
      do {
        let lab = try Lab(directory: directory, store: store, node: node)
        try await lab.load("\(root)/templates/lab/shop.yaml")
        try await lab.waitUntilReady()
        result = .success(try await test(lab))
      } catch {
        result = .failure(error)
      }
      node.shutdown()
      group.cancelAll()
      while let ended = await group.nextResult() {
        if case .failure(let error) = ended, error is LabNodeError { throw error }
      }
      try result.get()
    }
    #expect(!FileManager.default.fileExists(atPath: directory + "/node"))
  }

  private init(directory: String, store: ObjectStore, node: LabNode) throws {
    self.directory = directory
    self.store = store
    self.node = node
    client = KubeClient(
      try ClusterAccess.load(kubeconfig: directory + "/kubeconfig", namespace: "shop"),
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  var cluster: ClusterSelection { ClusterSelection(kubeconfig: [directory + "/kubeconfig"], namespace: "shop") }

  /// A developer with a daemon's engine of their own, which is shut down after the test.
  func developer<Result>(_ name: String, _ work: (ClusterOperations) async throws -> Result) async throws -> Result {
    var settings = ClusterOperations.Settings(
      journalPath: "\(directory)/journal-\(name)", runtime: "\(directory)/runtime-\(name)")
    settings.holder = name
    try FileManager.default.createDirectory(
      atPath: settings.runtime, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let operations = try ClusterOperations(
      settings, log: Logger(label: name, factory: { _ in SwiftLogNoOpLogHandler() }))
    do {
      let result = try await work(operations)
      _ = await operations.shutDown { _ in }
      return result
    } catch {
      _ = await operations.shutDown { _ in }
      throw error
    }
  }

  func intercept(_ port: UInt16, service: String = "web") -> InterceptRequest {
    InterceptRequest(cluster: cluster, service: service, ports: [PortMapping(local: port)])
  }

  // MARK: Objects

  func load(_ file: String) async throws { try await create(ManifestFile.read(file)) }
  func create(yaml: String) async throws { try await create(ManifestFile.objects(in: yaml, file: "test")) }

  private func create(_ objects: [JSONValue]) async throws {
    let resources: [APIResource] = [
      .namespaces, .configMaps, .secrets, .services, .endpointSlices, .deployments, .pods,
    ]
    for object in objects {
      let resource = try #require(resources.first { $0.kind == object.kind })
      try await client.create(object, as: resource)
    }
  }

  func waitUntilReady(_ count: Int = 3, in namespace: String = "shop") async throws {
    try await eventually("\(count) Pods of \(namespace) are ready") {
      let pods = try await self.client.list(.pods, namespace: namespace).items
      return pods.count >= count
        && pods.allSatisfy { pod in
          (pod[path: "status", "conditions"]?.elements ?? []).contains {
            $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True"
          }
        }
    }
  }

  /// Returns the objects that devtunnel has made in the namespace.
  func traces() async throws -> [String] {
    var names: [String] = []
    for resource in [APIResource.deployments, .services, .secrets, .configMaps, .leases, .pods] {
      for object in try await client.list(resource, namespace: "shop").items
      where object.name?.hasPrefix("devtunnel-") == true {
        names.append("\(resource.kind)/\(object.name ?? "")")
      }
    }
    let service = try await client.get(.services, "web")
    if service[path: "spec", "selector"]?.stringMap != ["app": "web"] { names.append("the selector of Service web") }
    names += service.annotations.keys.filter { $0.contains("devtunnel") }.map { "Service web: annotation \($0)" }
    return names
  }

  // MARK: Requests from inside the cluster

  /// The body that a Service answers to the Pod `client`.
  func ask(_ service: String = "web") async throws -> String { try await requester(service)() }

  /// Waits until a Service answers so (the node's proxy follows the EndpointSlices a moment later), and checks that it
  /// stays so.
  func expect(
    _ answer: String, from service: String = "web", path: String = "/", header: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let ask = try await requester(service, path: path, header: header)
    try await eventually("\(service) answers '\(answer)'") { try await ask() == answer }
    for _ in 0..<5 {
      let next = try await ask()
      #expect(next == answer, sourceLocation: sourceLocation)
    }
  }

  func expectNoTraces(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    // An agent's Pod has 30 s to end.
    try await eventually("nothing of devtunnel is left", within: .seconds(60)) {
      let traces = try await self.traces()
      if !traces.isEmpty { throw RequestFailure(traces.joined(separator: ", ")) }
      return true
    }
  }

  /// One request at each call, each on a connection of its own.
  func requester(_ service: String, path: String = "/", header: String? = nil) async throws
    -> @Sendable () async throws -> String
  {
    let object = try await client.get(.services, service)
    let address = try #require(object[path: "spec", "clusterIP"]?.stringValue.flatMap(Self.number))
    let port = UInt16(object[path: "spec", "ports"]?[0]?["port"]?.intValue ?? 80)
    let uid = try await client.get(.pods, "client")[path: "metadata", "uid"]?.stringValue ?? ""
    let namespace = node.namespacePath(podUID: uid)
    return {
      try await onThread {
        let fd = clinux_ns_connect(namespace, address, port, 5000)
        guard fd >= 0 else { throw RequestFailure("connect: \(String(cString: strerror(-fd)))") }
        return try HTTPRequest.body(on: fd, path: path, header: header)
      }
    }
  }

  private static func number(_ address: String) -> UInt32? {
    let parts = address.split(separator: ".").compactMap { UInt32($0) }
    return parts.count == 4 ? parts.reduce(0) { $0 << 8 | $1 } : nil
  }
}

/// Asks again until it is so.
func eventually(_ what: String, within limit: Duration = .seconds(60), _ isSo: () async throws -> Bool) async throws {
  let deadline = ContinuousClock.now + limit
  var last = "it never was"
  while ContinuousClock.now < deadline {
    do { if try await isSo() { return } } catch { last = "\(error)" }
    try await Task.sleep(for: .milliseconds(50))
  }
  throw RequestFailure("not within \(limit): \(what); \(last)")
}

extension ClusterOperations {
  /// Returns the error of an intercept that must be refused.
  func refusal(of request: InterceptRequest) async -> ControlError? {
    await #expect(throws: ControlError.self) { _ = try await intercept(request) { _ in } }
  }
}
