import KubeObjects
import LabStore

#if canImport(Glibc)
  import Glibc
#endif

/// A node that runs nothing: it calls every Pod that is bound to it ready, removes those that are to go, and forwards
/// every port to a port of this machine.
final class FakeNode: NodeStreams {
  private let store: any ObjectStoring
  /// The real port behind each of a Pod's ports; other ports refuse.
  private let ports: [UInt16: UInt16]

  init(store: any ObjectStoring, ports: [UInt16: UInt16] = [:]) {
    self.store = store
    self.ports = ports
  }

  func connect(namespace: String, pod: String, port: UInt16) async throws -> Int32 {
    guard let target = ports[port] else {
      throw NodeStreamError(
        .connectionRefused,
        "failed to connect to localhost:\(port) inside namespace \"\(namespace)\": connection refused")
    }
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = target.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      close(descriptor)
      throw NodeStreamError(.connectionRefused, "connection refused")
    }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    return descriptor
  }

  func logs(
    namespace: String, pod: String, container: String?, options: LogOptions
  ) async throws -> AsyncThrowingStream<[UInt8], any Error> {
    AsyncThrowingStream { continuation in
      for line in ["first line of \(pod)\n", "last line of \(pod)\n"].suffix(options.tailLines ?? 2) {
        continuation.yield(Array(line.utf8))
      }
      if !options.follow { continuation.finish() }
    }
  }

  /// Runs the command on this machine.
  func exec(namespace: String, pod: String, _ request: ExecRequest) async throws -> ExecProcess {
    try HostCommand.start(request)
  }

  /// Plays the kubelet until it is cancelled.
  func run() async throws {
    let (pods, revision) = await store.list(.pods, namespace: nil)
    for pod in pods { try await sync(pod) }
    for await event in try await store.watch(.pods, after: revision) where event.kind != .deleted {
      try await sync(event.object)
    }
  }

  private func sync(_ pod: JSONValue) async throws {
    let namespace = pod[path: "metadata", "namespace"]?.stringValue ?? ""
    let key = ObjectKey(.pods, namespace: namespace, name: pod[path: "metadata", "name"]?.stringValue ?? "")
    do {
      if pod[path: "metadata", "deletionTimestamp"] != nil {
        _ = try await store.delete(key, grace: nil)
      } else if pod[path: "spec", "nodeName"] != nil, pod[path: "status", "podIP"] == nil {
        _ = try await store.update(key) { Self.start(&$0) }
      }
    } catch StoreError.notFound {
      // Gone already.
    }
  }

  private static func start(_ pod: inout JSONValue) {
    let address = "10.99.\(Int.random(in: 0...255)).\(Int.random(in: 1...254))"
    let containers = pod[path: "spec", "containers"]?.elements ?? []
    // A Pod whose label says so never becomes ready.
    let isReady = pod[path: "metadata", "labels", "broken"] == nil
    let status: JSONValue = isReady ? "True" : "False"
    pod[path: "status", "phase"] = "Running"
    pod[path: "status", "podIP"] = .string(address)
    pod[path: "status", "podIPs"] = [["ip": .string(address)]]
    pod[path: "status", "conditions"] = [
      ["type": "PodScheduled", "status": "True"], ["type": "ContainersReady", "status": status],
      ["type": "Ready", "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z"],
    ]
    pod[path: "status", "containerStatuses"] = .array(
      containers.map { container in
        [
          "name": container["name"] ?? "", "ready": .bool(isReady), "started": true, "restartCount": 0,
          "image": container["image"] ?? "",
          "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
        ]
      })
  }
}
