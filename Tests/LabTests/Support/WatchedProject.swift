import ControlAPI
import DevLoop
import Foundation
import KubeAPI
import KubeObjects
import Logging
import Operations
import Synchronization
import Testing

/// A small project with a skaffold.yaml, and a dev loop that runs it in a lab.
final class WatchedProject: Sendable {
  let directory: String
  let loop: DevLoop
  private let log = Mutex<[DevEvent]>([])
  private let stream: AsyncStream<DevEvent>

  /// - Parameter engine: nil for `deploy` alone, where nothing is installed that builds.
  private init(_ lab: Lab, _ engine: ClusterOperations?, _ replay: LoopReplay? = nil) throws {
    let directory = lab.directory + "/project"
    self.directory = directory
    try FileManager.default.createDirectory(atPath: directory + "/www", withIntermediateDirectories: true)
    for (name, text) in Self.files { try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8) }
    var environment = ProcessInfo.processInfo.environment
    environment["HOME"] = directory
    let kubeconfig = lab.directory + "/kubeconfig"
    var setup = LoopSetup(
      project: Project(workingDirectory: directory, environment: environment), stateDirectory: directory + "/state",
      cacheDirectory: directory + "/cache"
    ) { context throws(LoopError) in
      do throws(KubeError) {
        let access = try ClusterAccess.load(kubeconfig: kubeconfig, context: context, namespace: "shop")
        return KubeClient(access, log: Logger(label: "watch", factory: { _ in SwiftLogNoOpLogHandler() }))
      } catch {
        throw LoopError(.cluster, error.description)
      }
    }
    var options = LoopOptions(environment: environment)
    if let engine {
      setup.builder = .buildah
      let cluster = lab.cluster
      setup.forwarder = { _ in EngineForwarder(engine: engine, cluster: cluster) }
    } else {
      setup.project.environment["PATH"] = "/nonexistent"
      options.builds = false
      options.images = ["demo": "localhost/lab/busybox:1"]
    }
    let (stream, continuation) = AsyncStream.makeStream(of: DevEvent.self)
    self.stream = stream
    loop = DevLoop(
      try setup.source(command: engine == nil ? "deploy" : "dev"), options: options, replay: replay
    ) { continuation.yield($0) }
  }

  /// Runs the loop around a test, which gets its events; what it deployed is gone afterwards.
  static func run(
    _ lab: Lab, _ engine: ClusterOperations, replay: LoopReplay? = nil,
    _ test: (WatchedProject, inout AsyncStream<DevEvent>.Iterator) async throws -> Void
  ) async throws {
    let project = try WatchedProject(lab, engine, replay)
    let running = Task { try await project.loop.run() }
    var events = project.stream.makeAsyncIterator()
    let result: Result<Void, any Error>
    do { result = .success(try await test(project, &events)) } catch { result = .failure(error) }
    running.cancel()
    try await running.value
    try await project.loop.finish(deleting: true)
    try result.get()
  }

  /// Runs `deploy` with an image that does not serve, and returns its error.
  static func deploy(_ lab: Lab) async throws -> LoopError? {
    let project = try WatchedProject(lab, nil)
    var failure: LoopError?
    do throws(LoopError) { try await project.loop.runOnce() } catch { failure = error }
    try await project.loop.finish(deleting: true)
    return failure
  }

  func write(_ text: String, to name: String) throws {
    try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
  }

  static let dockerfile =
    """
    FROM localhost/lab/busybox:1
    COPY www /www
    COPY version /www/version
    CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]

    """

  private static let files = [
    "www/index.html": "page 1\n", "version": "version 1\n", "Dockerfile": dockerfile,
    "skaffold.yaml": """
    apiVersion: skaffold/v4beta6
    kind: Config
    metadata: {name: demo}
    build:
      tagPolicy: {sha256: {}}
      artifacts:
        - image: demo
          sync: {manual: [{src: "www/*.html", dest: /}]}
    manifests: {rawYaml: [k8s.yaml]}
    """,
    "k8s.yaml": """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: demo, namespace: shop}
    spec:
      selector: {matchLabels: {app: demo}}
      template:
        metadata: {labels: {app: demo}}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
            - name: demo
              image: demo
              ports: [{name: http, containerPort: 8080}]
              readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: demo, namespace: shop}
    spec: {selector: {app: demo}, ports: [{port: 80, targetPort: 8080}]}
    """,
  ]
}

/// Forwards through the daemon's engine, in this process.
private struct EngineForwarder: PortForwarding {
  let engine: ClusterOperations
  let cluster: ClusterSelection

  struct Open: OpenPortForward {
    let engine: ClusterOperations
    let id: String
    let isOpen = true
    func ended() async { try? await Task.sleep(for: .seconds(3600)) }
    func close() async { try? await engine.stopForward(StopForwardRequest(id: id)) }
  }

  func open(_ forward: PortForward, host: UInt16) async throws(LoopError) -> any OpenPortForward {
    var cluster = cluster
    cluster.namespace = forward.namespace
    do {
      let report = try await engine.forward(
        ForwardRequest(cluster: cluster, target: forward.target, ports: [.init(host: host, remote: forward.port)])
      ) { _ in }
      return Open(engine: engine, id: report.id)
    } catch {
      throw LoopError(.forwarding, "\(error)")
    }
  }
}

extension AsyncStream<DevEvent>.Iterator {
  /// Reads on to the first event that is meant; a failure that is not meant ends it.
  @discardableResult
  mutating func until(_ what: String, _ isMeant: (DevEvent) -> Bool) async throws -> DevEvent {
    while let event = await next() {
      if isMeant(event) { return event }
      if case .failed(let error) = event { throw RequestFailure("waited for \(what): \(error)") }
    }
    throw RequestFailure("the loop ended before \(what)")
  }

  mutating func untilWatching() async throws {
    try await until("the end of the round") { if case .watching = $0 { true } else { false } }
  }
}
