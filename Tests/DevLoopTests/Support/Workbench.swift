import FoundationEssentials
import Manifests
import Skaffold
import Synchronization
import Testing
import Watching

@testable import DevLoop

/// A project in a directory of its own, and a loop over it whose builder and cluster are fakes.
final class Workbench: Sendable {
  let directory: String
  let builder = FakeBuilder()
  let cluster = FakeCluster()
  let loop: DevLoop
  /// The gate at which the loop pauses; retries do not pause.
  let pausing = Gate()
  let pauses: Pauses
  /// Each time the configuration is read.
  let reads = Counter()
  private let events: AsyncStream<DevEvent>

  final class Pauses: Sendable {
    private let durations = Mutex<[Duration]>([])
    var all: [Duration] { durations.withLock { $0 } }
    func add(_ duration: Duration) { durations.withLock { $0.append(duration) } }
  }

  final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
  }

  private init(
    images: [String], requires: [String: String], holdsPauses: Bool, infers: Bool, syncHooks: StepHooks,
    replay: (any AnswerReplaying)?
  ) throws {
    let directory = FileManager.default.temporaryDirectory.path + "/dev-loop-\(UUID().uuidString)"
    self.directory = directory
    for image in images {
      try Self.write("FROM scratch\nCOPY src /src\nCOPY main /\n", to: "\(directory)/\(image)/Dockerfile")
      try Self.write("hello", to: "\(directory)/\(image)/src/page.html")
      try Self.write("main", to: "\(directory)/\(image)/main")
    }
    try Self.write(images.map(Self.manifest).joined(separator: "---\n"), to: directory + "/k8s.yaml")
    try Self.write("", to: directory + "/skaffold.yaml")
    let (events, continuation) = AsyncStream.makeStream(of: DevEvent.self)
    self.events = events
    var options = LoopOptions(environment: ["PATH": "/usr/bin:/bin"])
    options.retryAfter = .milliseconds(1)
    options.watchesTrouble = true
    let source = LoopSource(files: [directory + "/skaffold.yaml"]) { [reads] () async throws(LoopError) in
      reads.add()
      if (try? String(contentsOfFile: directory + "/skaffold.yaml", encoding: .utf8)) == "broken" {
        throw LoopError(.configuration, "it is broken")
      }
      if (try? String(contentsOfFile: directory + "/skaffold.yaml", encoding: .utf8)) == "unset" {
        var missing = Diagnostic(.error, "the variable WHO is not set")
        missing.needsEnvironment = true
        throw LoopError(InputError([missing]))
      }
      let artifacts = images.map { image in
        var artifact = Artifact(
          image: image, context: "\(directory)/\(image)",
          build: .docker(DockerBuild(dockerfile: "\(directory)/\(image)/Dockerfile")),
          sync: [SyncRule(source: "src/**/*.html", destination: "/srv", strip: "src/")],
          requires: requires[image].map { [.init(image: $0, alias: "BASE")] } ?? [])
        artifact.syncHooks = syncHooks
        if infers { (artifact.sync, artifact.inferredSync) = ([], ["src/**/*.html"]) }
        return artifact
      }
      var configuration = DevConfiguration(
        artifacts: artifacts, tagPolicy: .sha256, manifests: ManifestSources(rawYAML: [directory + "/k8s.yaml"]))
      configuration.environment = ["PATH": "/usr/bin:/bin"]
      return [configuration]
    } parts: { [builder, cluster] _ async throws(LoopError) in
      var parts = LoopParts(
        builder: builder, loader: FakeLoader(), deployer: cluster, syncer: cluster,
        description: .init(builder: "fake", cluster: "fake", context: "test", namespace: "default"))
      parts.commands = cluster
      return parts
    }
    let (pausing, retryAfter) = (pausing, options.retryAfter)
    let pauses = Pauses()
    self.pauses = pauses
    loop = DevLoop(source, options: options, replay: replay) { duration in
      guard duration != retryAfter, holdsPauses else { return try await Task.sleep(for: duration) }
      pauses.add(duration)
      try await pausing.hold()
    } events: {
      continuation.yield($0)
    }
  }

  /// Begins with a loop that has deployed once.
  /// - Parameter holdsPauses: a pause lasts until the next change.
  static func with(
    images: [String] = ["app"], requires: [String: String] = [:], holdsPauses: Bool = false, infers: Bool = false,
    syncHooks: StepHooks = StepHooks(), replay: (any AnswerReplaying)? = nil,
    _ test: (Workbench, inout AsyncStream<DevEvent>.Iterator) async throws -> Void
  ) async throws {
    let workbench = try Workbench(
      images: images, requires: requires, holdsPauses: holdsPauses, infers: infers, syncHooks: syncHooks,
      replay: replay)
    defer { try? FileManager.default.removeItem(atPath: workbench.directory) }
    var events = workbench.events.makeAsyncIterator()
    await workbench.loop.start()
    try await events.until { if case .watching = $0 { true } else { false } }
    try await test(workbench, &events)
    await workbench.loop.stop()
  }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// Writes a file and tells the loop, as its watcher would.
  func save(_ text: String, to name: String) async throws {
    try Self.write(text, to: path(name))
    await loop.accept(ChangeBatch(paths: [path(name)]))
  }

  static func manifest(_ image: String) -> String {
    """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: \(image)}
    spec:
      selector: {matchLabels: {app: \(image)}}
      template:
        metadata: {labels: {app: \(image)}}
        spec: {containers: [{name: main, image: \(image)}]}

    """
  }

  private static func write(_ text: String, to path: String) throws {
    let parent = path.split(separator: "/").dropLast().joined(separator: "/")
    try FileManager.default.createDirectory(atPath: "/" + parent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }
}

extension AsyncStream<DevEvent>.Iterator {
  /// Reads on to the first event that is meant.
  @discardableResult
  mutating func until(_ isMeant: (DevEvent) -> Bool) async throws -> DevEvent {
    while let event = await next() {
      if isMeant(event) { return event }
    }
    throw EndOfEvents()
  }

  /// Reads on to the end of a round that succeeded.
  mutating func untilWatching() async throws { try await until { if case .watching = $0 { true } else { false } } }

  mutating func untilFailure() async throws -> LoopError {
    guard case .failed(let error) = try await until({ if case .failed = $0 { true } else { false } }) else {
      throw EndOfEvents()
    }
    return error
  }

  mutating func untilChanged() async throws -> DevEvent.Changed {
    guard case .changed(let event) = try await until({ if case .changed = $0 { true } else { false } }) else {
      throw EndOfEvents()
    }
    return event
  }
}

struct EndOfEvents: Error {}
