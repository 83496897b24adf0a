import CLinux
import LabStore
import NIOPosix

extension LabNode: NodeStreams {
  public func connect(namespace: String, pod: String, port: UInt16) async throws -> Int32 {
    let worker = try await worker(namespace, pod)
    guard await worker.hasNetwork else {
      throw NodeStreamError(.podNotRunning, "pod \(pod) has no sandbox yet: it is not running")
    }
    let path = worker.namespace.path
    let loopback: UInt32 = 0x7F00_0001
    let result = try await NIOThreadPool.singleton.runIfActive { clinux_ns_connect(path, loopback, port, 5000) }
    guard result < 0 else { return result }
    let reason = Files.reason(-result).lowercased()
    throw NodeStreamError(
      reason == "connection refused" ? .connectionRefused : .failed,
      "failed to execute portforward in network namespace \"\(path)\": failed to connect to localhost:\(port) inside "
        + "namespace, IPv4: "
        + "dial tcp4 127.0.0.1:\(port): connect: \(reason)")
  }

  public func logs(namespace: String, pod: String, container: String?, options: LogOptions) async throws
    -> AsyncThrowingStream<[UInt8], any Error>
  {
    let worker = try await worker(namespace, pod)
    let names = await worker.containerNames
    guard let name = container ?? (names.main.count == 1 ? names.main[0] : nil) else {
      throw NodeStreamError(
        .noSuchContainer,
        "a container name must be specified for pod \(pod), choose one of: [\(names.all.joined(separator: " "))]")
    }
    guard names.all.contains(name) else {
      throw NodeStreamError(.noSuchContainer, "container \(name) is not valid for pod \(pod)")
    }
    guard let log = await worker.log(name, previous: options.previous) else {
      let what =
        options.previous
        ? "previous terminated container \"\(name)\" in pod \"\(pod)\" not found"
        : "container \"\(name)\" in pod \"\(pod)\" is waiting to start"
      throw NodeStreamError(.podNotRunning, what)
    }
    return LogReader(path: log.path, live: log.live, options: options).stream()
  }

  public func exec(namespace: String, pod: String, _ request: ExecRequest) async throws -> ExecProcess {
    let worker = try await worker(namespace, pod)
    let names = await worker.containerNames
    guard let name = request.container ?? (names.main.count == 1 ? names.main[0] : nil) else {
      throw NodeStreamError(
        .noSuchContainer,
        "a container name must be specified for pod \(pod), choose one of: [\(names.main.joined(separator: " "))]")
    }
    guard names.all.contains(name) else {
      throw NodeStreamError(.noSuchContainer, "container \(name) is not valid for pod \(pod)")
    }
    guard let identifier = await worker.runs[name]?.started.identifier else {
      throw NodeStreamError(.podNotRunning, "container not found (\"\(name)\")")
    }
    return try await runc.start(request, in: identifier)
  }

  private func worker(_ namespace: String, _ pod: String) async throws -> PodWorker {
    guard let worker = await pods.withLock({ $0 })?.worker(namespace, pod) else {
      throw NodeStreamError(.podNotRunning, "pod \(namespace)/\(pod) does not run on the lab's node")
    }
    return worker
  }
}
