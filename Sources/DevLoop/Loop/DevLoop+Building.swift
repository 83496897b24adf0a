import Deploy
import Images
import Manifests
import Skaffold
import Synchronization
import Watching

/// Not a tuple with a `Result`: an optimized build (Swift 6.3) may release its strings too early.
private struct Loaded: Sendable {
  let image: String
  var reference = ""
  var duration = Duration.zero
  var error: BuildError?
}

private final class Pulls: Sendable {
  let watch = Mutex(PullWatch())
}

extension DevLoop {
  /// Renders and builds side by side, then deploys.
  func buildAndDeploy() async throws(LoopError) {
    async let rendering = result { () async throws(LoopError) in try await self.render() }
    async let building = result { () async throws(LoopError) in try await self.build() }
    let (built, rendered) = await (building, rendering)
    try built.get()
    try rendered.get()
    try await deploy()
  }

  /// Keeps the type of an error, which `async let` forgets.
  private nonisolated func result(_ work: @Sendable () async throws(LoopError) -> Void) async -> Result<Void, LoopError>
  {
    do throws(LoopError) { return .success(try await work()) } catch { return .failure(error) }
  }

  func render() async throws(LoopError) {
    guard work.render else { return }
    // Images are patched in later, when they are built; this fills in the namespace alone.
    let patches = ManifestPatches(dnsPolicy: false, pullPolicy: false, namespace: options.namespace)
    let rendering: Rendering
    do throws(InputError) {
      rendering = try await Rendering.render(
        configurations, patches: patches, trust: options.trust, environment: environment, tools: options.environment,
        images: charts, cache: helmCache)
    } catch {
      throw LoopError(error, .rendering)
    }
    try checkCancellation(.rendering)
    if options.trust.isEverything, let memory = options.trustMemory {
      TrustMemory(file: memory).save(rendering.demands)
    }
    let known = Set(configurations.flatMap(\.warnings))
    for warning in rendering.warnings where !known.contains(warning) { events(.warning(.init(message: warning.text))) }
    rendered = rendering.manifests
    work.render = false
    work.deploy = true
    warnOfUnusedImages()
  }

  /// The images for charts: while they are built, or might be again, their places are held by placeholders.
  var charts: HelmImages {
    HelmImages(names: artifacts.map(\.image), references: options.builds ? nil : references)
  }

  private func warnOfUnusedImages() {
    let images = artifacts.map(\.image)
    let needed = Set(artifacts.flatMap(\.requires).map(\.image))
    var patches = ManifestPatches(images: Dictionary(images.map { ($0, "") }) { $1 })
    patches.placeholders = charts.placeholders
    let unused = patches.unusedImages(in: rendered)
    for image in unused where !needed.contains(image) {
      events(.warning(.init(message: "no container in the manifests has the image \(image)")))
    }
  }

  /// Builds stale images, and brings them to the cluster.
  func build() async throws(LoopError) {
    var plan = work
    // Files that could be synced go into images too: the deployment makes new containers.
    plan.deploy = true
    guard options.builds, let parts, case .build(let stale) = NextStep(plan, artifacts: artifacts, running: []),
      !stale.isEmpty
    else { return }
    state = .building
    let tags = try await tags(for: stale)
    events(.building(.init(artifacts: stale.map(\.image))))
    stopwatch.mark(\.buildStarted)
    let images: [BuiltImage]
    let pulls = Pulls()
    let overdue = Task { [events] in
      while (try? await Task.sleep(for: .seconds(1))) != nil {
        for warning in pulls.watch.withLock({ $0.overdue(at: .now) }) { events(.warning(.init(message: warning))) }
      }
    }
    defer { overdue.cancel() }
    do throws(BuildError) {
      images = try await parts.builder.build(stale, tags: tags) { [events] artifact, line in
        events(.buildOutput(.init(artifact: artifact, line: line)))
        let warning = pulls.watch.withLock { $0.take(line, of: artifact, at: .now) }
        if let warning { events(.warning(.init(message: warning))) }
      }
    } catch {
      throw LoopError(error)
    }
    stopwatch.mark(\.built)
    try checkCancellation(.building)
    for image in images {
      events(
        .built(
          .init(
            artifact: image.name, tag: image.tag, id: image.id, cached: image.isFromCache,
            milliseconds: image.duration.milliseconds)))
    }
    try await load(images, parts.loader)
    stopwatch.mark(\.loaded)
  }

  private func load(_ images: [BuiltImage], _ loader: any ImageLoading) async throws(LoopError) {
    state = .loading
    let loaded = await withTaskGroup(of: Loaded.self) { group in
      for image in images {
        group.addTask {
          let start = ContinuousClock.now
          var loaded = Loaded(image: image.name)
          do throws(BuildError) { loaded.reference = try await loader.load(image) } catch { loaded.error = error }
          loaded.duration = .now - start
          return loaded
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    try checkCancellation(.loading)
    for loaded in loaded.sorted(by: { $0.image < $1.image }) {
      if let error = loaded.error { throw LoopError(error, .loading) }
      let (image, reference) = (loaded.image, loaded.reference)
      events(.loaded(.init(artifact: image, reference: reference, milliseconds: loaded.duration.milliseconds)))
      if references.updateValue(reference, forKey: image) != reference { work.deploy = true }
      work.sources[image] = nil
      work.synced[image] = nil
    }
  }

  /// Returns the tags. A commit's tag is read once: git would take longer than the time from a save to its build.
  private func tags(for stale: [Artifact]) async throws(LoopError) -> [String: String] {
    for configuration in configurations {
      for artifact in configuration.artifacts where stale.contains(artifact) {
        if case .gitCommit = configuration.tagPolicy, tags[artifact.image] != nil { continue }
        do throws(InputError) {
          tags[artifact.image] = try await configuration.tagPolicy.reference(
            for: artifact, environment: environment, tools: options.environment, commands: configuration.commands
          ) { artifact in
            try SourceMap.context(of: artifact).digest()
          }
        } catch {
          throw LoopError(error, .building)
        }
      }
    }
    try checkCancellation(.building)
    return tags
  }

  /// Copies changed files into the running containers.
  /// - Returns: false if that cannot be done, and a build must follow.
  func sync(_ changes: [String: [FileChange]]) async throws(LoopError) -> Bool {
    guard let parts else { return false }
    state = .syncing
    for (image, files) in changes.sorted(by: { $0.key < $1.key }) {
      guard let reference = references[image] else { return false }
      let hooks = artifacts.first { $0.image == image }?.syncHooks ?? StepHooks()
      for hook in hooks.before { try await run(hook, around: files, of: image, isBefore: true, parts) }
      let start = ContinuousClock.now
      do throws(DeployError) {
        let containers = try await parts.syncer.sync(files, image: reference)
        try checkSyncCancellation()
        let removed = files.count { $0.source == nil }
        events(
          .synced(
            .init(
              artifact: image, files: files.count - removed, removed: removed, containers: containers,
              milliseconds: (.now - start).milliseconds)))
      } catch {
        guard error.code == .needsBuild else { throw LoopError(error, .syncing) }
        events(.warning(.init(message: "\(image) cannot be synced and is built instead: \(error.message)")))
        return false
      }
      for hook in hooks.after { try await run(hook, around: files, of: image, isBefore: false, parts) }
      if let sources = work.sources.removeValue(forKey: image) { work.synced[image, default: .init()].merge(sources) }
    }
    stopwatch.mark(\.synced)
    return true
  }

  /// Runs a hook of a sync, with the variables that Skaffold gives it.
  private func run(
    _ hook: Hook, around files: [FileChange], of image: String, isBefore: Bool, _ parts: LoopParts
  ) async throws(LoopError) {
    guard let configuration = configurations.first(where: { $0.artifacts.contains { $0.image == image } }),
      let artifact = configuration.artifacts.first(where: { $0.image == image })
    else { return }
    let about = parts.description
    let step = HookStep(
      name: isBefore ? "before sync" : "after sync", stage: .syncing,
      variables: [
        "SKAFFOLD_IMAGE": references[image] ?? image, "SKAFFOLD_BUILD_CONTEXT": artifact.context,
        "SKAFFOLD_FILES_ADDED_OR_MODIFIED": files.compactMap(\.source).joined(separator: ";"),
        "SKAFFOLD_FILES_DELETED": files.filter { $0.source == nil }.map(\.destination).joined(separator: ";"),
        "SKAFFOLD_KUBE_CONTEXT": about.context, "SKAFFOLD_NAMESPACES": about.namespace,
      ], image: references[image])
    try await run(hook, step, configuration.programEnvironment, parts)
  }

  private func checkSyncCancellation() throws(DeployError) {
    if Task.isCancelled { throw DeployError(.cancelled, "cancelled") }
  }
}
