import Glibc
import KubeObjects
import LabStore
import Logging
import Testing

@testable import LabNode

/// A node in a directory of its own, over an empty store. Nothing of it stays, however a test ends.
struct NodeFixture: Sendable {
  let node: LabNode
  let store: ObjectStore
  let directory: String

  static var isPossible: Bool {
    guard geteuid() == 0, Files.isExecutable("/bin/busybox") else { return false }
    return ["runc", "buildah", "nft", "ip", "nsenter", "dig"].allSatisfy { (try? Command($0, package: "")) != nil }
  }

  static func run(_ body: @Sendable @escaping (NodeFixture) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    var configuration = LabNodeConfiguration(stateDirectory: directory.path + "/state")
    configuration.labName = "devtunnel-lab-test-\(getpid())"
    configuration.extraRecords = ["example.com": ["192.0.2.7"]]
    configuration.crashLoopDelay = .seconds(1)
    let before = Leftovers(directory.path, configuration.labName)
    let store = ObjectStore()
    let node = try LabNode(configuration: configuration, store: store, logger: Logger(label: "lab"))
    try await node.prepareSampleImages()
    let running = Task { try await node.run() }
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(NodeFixture(node: node, store: store, directory: directory.path + "/state")))
    } catch {
      result = .failure(error)
    }
    node.shutdown()
    let ended = await running.result
    let after = Leftovers(directory.path, configuration.labName)
    try await LabNode.cleanUp(stateDirectory: directory.path + "/state")
    #expect(before == after)
    #expect(after.mounts.isEmpty && after.processes.isEmpty && after.files.isEmpty && after.cgroups.isEmpty)
    try result.get()
    try ended.get()
  }

  func create(_ pod: JSONValue) async throws { _ = try await store.create(.pods, pod) }
  func pod(_ name: String) async throws -> JSONValue {
    try await store.get(ObjectKey(.pods, namespace: "shop", name: name))
  }

  /// - Returns: the Pod's address once it is ready.
  func ready(_ name: String) async throws -> String {
    let pod = try await eventually("\(name) is ready") {
      try await self.pod(name)
    } until: { (pod: JSONValue) -> Bool in
      let conditions = pod[path: "status", "conditions"]?.elements ?? []
      return conditions.contains { $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True" }
    }
    return pod[path: "status", "podIP"]?.stringValue ?? ""
  }

  func createService(_ name: String, clusterIP: String, port: Int, targetPort: Int, addresses: [String]) async throws {
    let labels: JSONValue = ["kubernetes.io/service-name": .string(name)]
    let slicePort: JSONValue = ["name": "http", "port": JSONValue(targetPort), "protocol": "TCP"]
    var slice: JSONValue = ["addressType": "IPv4", "ports": [slicePort], "endpoints": Self.endpoints(addresses)]
    slice["metadata"] = ["name": .string(name), "namespace": "shop", "labels": labels]
    _ = try await store.create(.endpointSlices, slice)
    let spec: JSONValue = [
      "clusterIP": .string(clusterIP),
      "ports": [["name": "http", "port": JSONValue(port), "targetPort": JSONValue(targetPort)]],
    ]
    _ = try await store.create(.services, ["metadata": ["name": .string(name), "namespace": "shop"], "spec": spec])
  }

  func setEndpoints(_ name: String, targetPort: Int, addresses: [String]) async throws {
    _ = try await store.update(ObjectKey(.endpointSlices, namespace: "shop", name: name)) {
      $0["endpoints"] = Self.endpoints(addresses)
    }
  }

  private static func endpoints(_ addresses: [String]) -> JSONValue {
    JSONValue(addresses.map { ["addresses": [.string($0)], "conditions": ["ready": true]] })
  }

  /// Runs a script in a Pod's first container.
  func exec(_ name: String, _ script: String) async throws -> String {
    let identifier =
      try await pod(name)[path: "status", "containerStatuses"]?[0]?["containerID"]?.stringValue?.dropFirst(
        "runc://".count) ?? ""
    let runc = try Runc(root: directory + "/runc", hasCgroups: true)
    guard let done = try await runc.exec(String(identifier), ["sh", "-c", script], timeout: .seconds(30)) else {
      throw Failure("exec in \(name) took too long")
    }
    guard done.status == 0 else { throw Failure("exec in \(name): \(done.output)\(done.error)") }
    return done.output
  }

  func inNode(_ script: String) async throws -> String {
    try await Command("nsenter", package: "")(["--net=" + node.namespacePath, "sh", "-c", script])
  }

  func dig(_ arguments: String) async throws -> String {
    try await inNode("dig @10.98.0.10 +short " + arguments).trimmed
  }

  func log(_ pod: String, _ options: LogOptions = .init()) async throws -> String {
    var bytes: [UInt8] = []
    for try await chunk in try await node.logs(namespace: "shop", pod: pod, container: nil, options: options) {
      bytes += chunk
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Asks again, for at most 15 seconds, until the answer comes and fits.
  @discardableResult
  func eventually<Value: Sendable>(
    _ what: String, _ ask: () async throws -> Value, until fits: (Value) -> Bool = { _ in true }
  ) async throws -> Value {
    var last = "never asked"
    for _ in 0..<300 {
      do {
        let value = try await ask()
        if fits(value) { return value }
        last = "\(value)"
      } catch { last = "\(error)" }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Failure("not within 15 s: \(what); last seen: \(last)")
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}

/// The things that a node could leave behind.
struct Leftovers: Equatable {
  let mounts: [String]
  let processes: [String]
  let files: [String]
  let cgroups: [String]
  let descriptors: Int

  init(_ directory: String, _ labName: String) {
    mounts = MountTable.mounts(below: directory)
    // A container's process is known by its cgroup.
    processes = Files.names(in: "/proc").filter { Int($0) != nil }.filter {
      (Files.readText("/proc/\($0)/cgroup") ?? "").contains("/\(labName)/")
    }
    files = Files.exists(directory + "/state") ? Files.names(in: directory + "/state") : []
    cgroups = Files.names(in: "/sys/fs/cgroup").filter { Files.isDirectory("/sys/fs/cgroup/\($0)/\(labName)") }
    descriptors =
      Files.names(in: "/proc/self/fd").filter { name in
        var target = [UInt8](repeating: 0, count: 256)
        let count = readlink("/proc/self/fd/\(name)", &target, target.count)
        return count > 0 && String(decoding: target[..<count], as: UTF8.self).contains("pidfd")
      }.count
  }
}
