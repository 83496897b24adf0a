import Deploy
import FoundationEssentials
import Images
import Manifests
import Skaffold
import Watching

/// From sources to a running Pod, again at each save, until its task is cancelled.
///
/// One *round* at a time does the pending work. A change during a round cancels it, and the next round does the rest of
/// both. A failed round reports the reason and leaves its work pending; the next change begins another.
public actor DevLoop {
  public enum State: String, Sendable, Hashable, Codable { case idle, building, loading, syncing, applying, waiting }

  public internal(set) var state = State.idle

  nonisolated let source: LoopSource
  nonisolated let options: LoopOptions
  nonisolated let events: @Sendable (DevEvent) -> Void
  /// Returns after a time; throws if its task is cancelled.
  nonisolated let sleep: @Sendable (Duration) async throws -> Void
  nonisolated let forwards: ForwardKeeper
  /// nil: no requests are sent again.
  nonisolated let replay: (any AnswerReplaying)?
  nonisolated let helmCache = HelmCache()

  // The input.
  var configurations: [DevConfiguration] = []
  var parts: LoopParts?
  var map: SourceMap
  /// The manifests as they were rendered, unpatched.
  var rendered: [Manifest] = []
  var tags: [String: String] = [:]

  // The progress.
  var work = PendingWork()
  /// The references for the manifests, by image.
  var references: [String: String]
  var deployment = Deployment()

  private var watcher: SourceWatcher?
  private var round: Task<Void, Never>?
  private var retry: Task<Void, Never>?
  private var logs: Task<Void, Never>?
  private var pruning: Task<Void, Never>?
  private var trouble: Task<Void, Never>?
  /// The objects that `trouble` watches.
  private var watched = Applied()
  private var isRunning = false
  /// Rounds in a row that a change has cut short.
  private var cutShort = 0
  private var lastFailure: LoopError?
  /// The reason why the loop must end.
  private var fatal: LoopError?
  var stopwatch = Stopwatch(start: .now)

  public init(
    _ source: LoopSource, options: LoopOptions, replay: (any AnswerReplaying)? = nil,
    events: @escaping @Sendable (DevEvent) -> Void
  ) {
    self.init(source, options: options, replay: replay, sleep: { try await Task.sleep(for: $0) }, events: events)
  }

  /// - Parameter sleep: the clock of pauses and retries.
  init(
    _ source: LoopSource, options: LoopOptions, replay: (any AnswerReplaying)? = nil,
    sleep: @escaping @Sendable (Duration) async throws -> Void, events: @escaping @Sendable (DevEvent) -> Void
  ) {
    self.replay = replay
    self.source = source
    self.options = options
    self.sleep = sleep
    self.events = events
    references = options.images
    map = SourceMap(fixed: source.files)
    forwards = ForwardKeeper(memory: options.portMemory, events: events)
  }

  /// Runs until the task is cancelled.
  /// - Throws: if nothing can be watched, the cluster may not be written to, or the configuration needs a variable
  ///   that is not set; no other failure ends it.
  public func run() async throws(LoopError) {
    let watcher: SourceWatcher
    do throws(WatchError) { watcher = try SourceWatcher(map.watchSet) } catch { throw LoopError(error) }
    self.watcher = watcher
    start()
    await withTaskCancellationHandler {
      for await batch in watcher.batches { await accept(batch) }
    } onCancel: {
      watcher.stop()
    }
    await stop()
    if let fatal { throw fatal }
  }

  /// Builds and deploys once.
  /// - Throws: also if something ends soon after it was ready.
  public func runOnce() async throws(LoopError) {
    try await perform()
    guard let parts else { return }
    do throws(DeployError) { try await parts.deployer.settle(deployment.objects) } catch {
      throw LoopError(error, .running)
    }
  }

  /// Builds and loads once; nothing is deployed.
  /// - Returns: the reference of each artifact's image, in the order of the configuration.
  func buildOnce() async throws(LoopError) -> [BuildResult] {
    try await reload()
    try await build()
    return artifacts.compactMap { artifact in
      references[artifact.image].map { BuildResult(imageName: artifact.image, tag: $0) }
    }
  }

  /// Ends everything that the loop keeps open, after `run`.
  /// - Parameter deleting: also deletes the deployed objects.
  public func finish(deleting: Bool) async throws(LoopError) {
    stopWatchingTrouble()
    logs?.cancel()
    await forwards.closeAll()
    await logs?.value
    guard deleting, let parts, deployment.hasBegun else { return }
    do throws(DeployError) {
      events(.deleted(.init(objects: try await parts.deployer.delete().map(\.description))))
    } catch {
      if !error.deleted.isEmpty { events(.deleted(.init(objects: error.deleted.map(\.description)))) }
      var failure = LoopError(error, .cleaningUp)
      failure.message = "not everything that was deployed is gone: " + failure.message
      failure.remedy = "`devtunnel delete`, run here with the same options, deletes the rest"
      throw failure
    }
  }

  /// Returns the namespace of a deployed Service; nil if none has this name.
  public func namespace(ofService name: String) -> String? {
    deployment.live.values.first { $0.id.kind == "Service" && $0.id.name == name }?.id.namespace
  }

  // MARK: Rounds

  /// Begins the first round.
  func start() { begin(Stopwatch(start: .now)) }

  func stop() async {
    stopWatchingTrouble()
    retry?.cancel()
    round?.cancel()
    await round?.value
    pruning?.cancel()
    await pruned()
  }

  func accept(_ batch: ChangeBatch) async {
    var stopwatch = Stopwatch(start: batch.firstEvent)
    stopwatch.mark(\.detected)
    for problem in batch.problems { events(.warning(.init(message: problem.description))) }
    guard map.add(batch, to: &work) else { return }
    let restarts = state != .idle
    cutShort = isRunning ? cutShort + 1 : 0
    events(.changed(changed(batch, restarts: restarts)))
    retry?.cancel()
    lastFailure = nil
    round?.cancel()
    await round?.value
    begin(stopwatch, after: Self.pause(cutShort, reloads: work.reload))
  }

  /// Returns a pause for changes that keep coming: a checkout of another branch, a code generator. Builds that are
  /// begun and killed all the time would only slow that down, and a configuration is of use only as a whole.
  static func pause(_ cutShort: Int, reloads: Bool = false) -> Duration {
    let pause = cutShort < 2 ? Duration.zero : min(.milliseconds(20 << min(cutShort, 6)), .seconds(1))
    return reloads && cutShort > 0 ? max(pause, .milliseconds(300)) : pause
  }

  private func begin(_ stopwatch: Stopwatch, after pause: Duration = .zero) {
    pruning?.cancel()
    self.stopwatch = stopwatch
    isRunning = true
    round = Task { await self.runRound(after: pause) }
  }

  private func runRound(after pause: Duration) async {
    defer { isRunning = false }
    if pause > .zero, (try? await sleep(pause)) == nil { return }
    do throws(LoopError) {
      try await perform()
      lastFailure = nil
      pruneImages()
      watchTrouble()
      prepareSync()
      if !Task.isCancelled { events(.watching(.init(directories: watcher?.watchedDirectories ?? 0))) }
    } catch {
      if !error.isCancelled, !Task.isCancelled { failed(error) }
    }
    state = .idle
  }

  /// Removes images of earlier saves once all is ready; the running one and the one before it stay.
  private func pruneImages() {
    guard options.builds, let builder = parts?.builder, deployment.isReady, !Task.isCancelled else { return }
    let former = pruning
    pruning = Task { [artifacts] in
      await former?.value
      await builder.prune(artifacts, keeping: 1)
    }
  }

  /// Returns when no image is being removed.
  func pruned() async { await pruning?.value }

  /// Watches until the next deployment, which reports its own troubles. After a round that deployed
  /// nothing, the watch continues.
  private func watchTrouble() {
    guard watcher != nil || options.watchesTrouble, deployment.isReady, !Task.isCancelled,
      let deployer = parts?.deployer
    else { return }
    let objects = deployment.objects
    guard trouble == nil || objects != watched else { return }
    stopWatchingTrouble()
    watched = objects
    trouble = Task { [events] in
      while !Task.isCancelled {
        try? await deployer.watchTrouble(objects) { change in
          switch change {
          case .failing(let error): events(.failed(LoopError(error, .running)))
          case .recovered(let id): events(.recovered(.init(object: id.description)))
          }
        }
        // The API server was away.
        try? await Task.sleep(for: .seconds(2))
      }
    }
  }

  /// Makes the first sync as fast as the others.
  private func prepareSync() {
    guard deployment.isReady, !Task.isCancelled, let syncer = parts?.syncer else { return }
    let images = artifacts.filter(\.isSynced).compactMap { references[$0.image] }
    if !images.isEmpty { Task { await syncer.prepare(images: images) } }
  }

  func stopWatchingTrouble() {
    trouble?.cancel()
    trouble = nil
  }

  private func failed(_ error: LoopError) {
    // The environment is that of the process, so a later attempt would find the same.
    let isLasting = error.needsEnvironment && !deployment.hasBegun
    if error.stage == .cluster && !error.isTransient || isLasting {
      fatal = error
      watcher?.stop()
      return
    }
    // Report it once, even if many attempts fail.
    if error != lastFailure { events(.failed(error)) }
    lastFailure = error
    if error.isTransient {
      // When the cluster is back, it may be another one, or emptied.
      work.reload = true
      deployment.forget()
    } else if error.stage != .configuration || error.needsEnvironment {
      return
    }
    // A missing part of a configuration may appear in an unwatched place.
    retry = Task { [options, sleep] in
      try? await sleep(options.retryAfter)
      if !Task.isCancelled { self.begin(Stopwatch(start: .now)) }
    }
  }

  /// Does the pending work.
  private func perform() async throws(LoopError) {
    if work.reload {
      try await reload()
    } else if work.definitions || work.render {
      try refreshMap()
    }
    switch nextStep {
    case .sync(let changes):
      if try await sync(changes) { break }
      fallthrough
    case .build:
      try await buildAndDeploy()
    }
    guard stopwatch.timeline.hasResult else { return }
    events(.timeline(stopwatch.timeline))
    await replayRequests()
  }

  /// Sends the kept requests to the version that runs now. The loop goes on after any outcome.
  private func replayRequests() async {
    guard let replay, deployment.isReady, !Task.isCancelled else { return }
    // The first forwards may not be open yet, and a synced process may be starting anew.
    await forwards.settle()
    if let outcome = await replay.replay(await forwards.ports), !Task.isCancelled { events(.replayed(outcome)) }
  }

  private var nextStep: NextStep {
    NextStep(
      work, artifacts: options.builds ? artifacts : [], running: deployment.isReady ? Set(references.keys) : [],
      places: { map.contexts[$0.image]?.destinations(of: $1) })
  }

  // MARK: Reading

  var artifacts: [Artifact] { configurations.flatMap(\.artifacts) }

  /// The variables of templates; a skaffold.env may add some.
  var environment: [String: String] { configurations.first?.environment ?? options.environment }

  private func reload() async throws(LoopError) {
    let read: [DevConfiguration]
    do throws(LoopError) { read = try await source.configurations() } catch {
      // The fault may be in a file that is read for the first time.
      map.add(configurationFiles: source.filesRead())
      try updateWatcher()
      throw error
    }
    try Self.checkNames(read)
    configurations = read
    tags = [:]
    try refreshMap()
    for warning in read.flatMap(\.warnings) { events(.warning(.init(message: warning.text))) }
    let parts = try await source.parts(read)
    try checkCancellation(.configuration)
    self.parts = parts
    for note in parts.notes { events(.warning(.init(message: note))) }
    let about = parts.description
    // Several configurations may be in one file, and have the same profiles.
    events(
      .configured(
        .init(
          files: Self.unique(read.flatMap(\.files)), profiles: Self.unique(read.flatMap(\.profiles)),
          artifacts: artifacts.map(\.image), builder: about.builder,
          cluster: about.cluster,
          context: about.context, namespace: about.namespace)))
    work.reload = false
    work.render = true
    work.deploy = true
    for artifact in artifacts { work.sources[artifact.image, default: .init()].isUnknown = true }
    let images = Set(artifacts.map(\.image))
    work.sources = work.sources.filter { images.contains($0.key) }
    work.synced = work.synced.filter { images.contains($0.key) }
  }

  /// Returns each name once, in the order in which they first come.
  static func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private static func checkNames(_ configurations: [DevConfiguration]) throws(LoopError) {
    var seen: [String: Artifact] = [:]
    for artifact in configurations.flatMap(\.artifacts) {
      if let other = seen.updateValue(artifact, forKey: artifact.image) {
        throw LoopError(
          .configuration, "two artifacts are called \(artifact.image)", position: artifact.position?.description,
          details: other.position.map { ["the other one is at \($0)"] } ?? [],
          remedy: "give them different names, or remove one")
      }
    }
  }

  private func refreshMap() throws(LoopError) {
    map = SourceMap(configurations, fixed: source.files)
    work.definitions = false
    try updateWatcher()
  }

  private func updateWatcher() throws(LoopError) {
    do throws(WatchError) { try watcher?.update(map.watchSet) } catch { throw LoopError(error) }
  }

  func checkCancellation(_ stage: LoopError.Stage) throws(LoopError) {
    if Task.isCancelled { throw .cancelled(stage) }
  }

  func followLogs() {
    guard logs == nil, watcher != nil, let follow = parts?.logs else { return }
    logs = Task { [events] in await follow { events(.log($0)) } }
  }

  private func changed(_ batch: ChangeBatch, restarts: Bool) -> DevEvent.Changed {
    let action: DevEvent.Changed.Action
    switch nextStep {
    case _ where work.reload: action = .reload
    case .sync: action = .sync
    case .build(let artifacts): action = artifacts.isEmpty ? .deploy : .build
    }
    let paths = batch.changed.sorted()
    return DevEvent.Changed(paths: Array(paths.prefix(20)), count: paths.count, action: action, restarts: restarts)
  }
}
