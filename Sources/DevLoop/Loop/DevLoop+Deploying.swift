import Deploy
import Images
import Manifests
import Skaffold

extension DevLoop {
  /// Applies the objects that differ from the last apply, and waits until they are ready.
  func deploy() async throws(LoopError) {
    guard let parts else { return }
    let manifests = patches.apply(to: rendered)
    let hasWork = !deployment.changed(manifests).isEmpty
    if hasWork { try await runHooks(before: true, parts) }
    do throws(DeployError) {
      try await mirror(manifests, parts)
      try await apply(manifests, parts)
      try await waitReady(manifests, parts)
    } catch {
      throw LoopError(error, state == .waiting ? .waiting : .applying)
    }
    if hasWork { try await runHooks(before: false, parts) }
    work.deploy = false
    await forward(manifests, parts)
  }

  var patches: ManifestPatches {
    var patches = ManifestPatches(images: references, dnsPolicy: options.dnsPolicy, pullPolicy: options.pullPolicy)
    patches.placeholders = charts.placeholders
    return patches
  }

  /// Runs hooks with the variables that Skaffold gives them (pkg/skaffold/hooks/env.go).
  private func runHooks(before: Bool, _ parts: LoopParts) async throws(LoopError) {
    let name = before ? "before deploy" : "after deploy"
    let about = parts.description
    let variables = [
      "SKAFFOLD_RUN_ID": about.run, "SKAFFOLD_KUBE_CONTEXT": about.context, "SKAFFOLD_NAMESPACES": about.namespace,
    ]
    for configuration in configurations {
      let hooks = before ? configuration.deployHooks.before : configuration.deployHooks.after
      let step = HookStep(name: name, stage: .applying, variables: variables, isOnce: true)
      for hook in hooks { try await run(hook, step, configuration.programEnvironment, parts) }
    }
  }

  /// A step around which hooks run.
  struct HookStep {
    /// For the output: `after deploy`.
    var name: String
    var stage: LoopError.Stage
    /// `SKAFFOLD_…`, for hooks on this machine.
    var variables: [String: String]
    /// The image of the containers; nil: any.
    var image: String?
    /// True if a container runs the hooks once.
    var isOnce = false
  }

  func run(_ hook: Hook, _ step: HookStep, _ environment: [String: String], _ parts: LoopParts) async throws(LoopError)
  {
    let line: @Sendable (String) -> Void = { [events] line in
      events(.buildOutput(.init(artifact: step.name, line: line)))
    }
    switch hook {
    case .host(let hook):
      do throws(BuildError) {
        try await HookRunner(environment: environment).run(hook, variables: step.variables, line: line)
      } catch {
        throw LoopError(error, step.stage)
      }
    case .container(let hook):
      guard let commands = parts.commands else { return }
      do throws(DeployError) {
        let count = try await commands.run(
          hook, image: step.image, step: step.isOnce ? step.name : nil, line: line)
        // Before the first deployment there is none.
        guard count == 0, deployment.hasBegun else { return }
        events(
          .warning(.init(message: "\(at: hook.position)no container runs that the hook `\(hook.text)` is for")))
      } catch {
        throw LoopError(error, step.stage)
      }
    }
  }

  private func mirror(_ manifests: [Manifest], _ parts: LoopParts) async throws(DeployError) {
    guard let mirror = parts.mirror, !deployment.changed(manifests).isEmpty else { return }
    let (copied, problems) = try await mirror.mirror(for: manifests)
    if !copied.isEmpty {
      deployment.hasBegun = true
      events(.mirrored(.init(objects: copied.map(\.description), from: mirror.source)))
    }
    for problem in problems { events(.warning(.init(message: problem))) }
  }

  private func apply(_ manifests: [Manifest], _ parts: LoopParts) async throws(DeployError) {
    let changed = deployment.changed(manifests)
    guard !changed.isEmpty else { return }
    try await send(changed, parts)
    let lost = deployment.changed(manifests)
    if !lost.isEmpty { try await send(lost, parts) }
  }

  private func send(_ changed: [Manifest], _ parts: LoopParts) async throws(DeployError) {
    state = .applying
    stopWatchingTrouble()
    deployment.hasBegun = true
    followLogs()
    let start = ContinuousClock.now
    do throws(DeployError) {
      let applied = try await parts.deployer.apply(changed)
      deployment.take(applied, of: changed)
      // A namespace that had to be made again has lost its unchanged objects.
      deployment.forgetLost(applied)
      try report(applied, since: start)
    } catch {
      // An object that is refused hides none of the others.
      if let applied = error.applied, !applied.objects.isEmpty {
        let ids = Set(applied.ids)
        deployment.take(applied, of: changed.filter { manifest in ids.contains { $0.isIn(manifest.id) } })
        try report(applied, since: start)
      }
      throw error
    }
  }

  private func report(_ applied: Applied, since start: ContinuousClock.Instant) throws(DeployError) {
    if Task.isCancelled { throw DeployError(.cancelled, "cancelled") }
    stopwatch.mark(\.applied)
    for warning in applied.warnings { events(.warning(.init(message: warning))) }
    let namespaces = applied.createdNamespaces.map {
      DevEvent.Applied.Object(object: "Namespace \($0)", change: AppliedObject.Change.created.rawValue)
    }
    let objects = applied.objects.map { DevEvent.Applied.Object(object: $0.id.description, change: $0.change.rawValue) }
    events(.applied(.init(objects: namespaces + objects, milliseconds: (.now - start).milliseconds)))
  }

  /// Waits for the Pods while pruning asks for many kinds.
  private func waitReady(_ manifests: [Manifest], _ parts: LoopParts) async throws(DeployError) {
    let keeping = deployment.toKeep(manifests)
    let unready = deployment.unreadyObjects
    guard keeping != nil || !unready.objects.isEmpty else { return }
    state = .waiting
    let start = ContinuousClock.now
    async let pruned = prune(keeping, parts)
    var failure: DeployError?
    do throws(DeployError) {
      try await parts.deployer.waitReady(unready) { [events] in events(.waiting(DevEvent.Waiting($0))) }
      deployment.ready()
      stopwatch.mark(\.ready)
      events(.ready(.init(milliseconds: (.now - start).milliseconds)))
    } catch {
      failure = error
    }
    let pruneFailure = await pruned
    if let failure = failure ?? pruneFailure { throw failure }
    if Task.isCancelled { throw DeployError(.cancelled, "cancelled") }
  }

  private func prune(_ keeping: [ObjectID]?, _ parts: LoopParts) async -> DeployError? {
    guard let keeping else { return nil }
    do throws(DeployError) {
      let gone = try await parts.deployer.prune(keeping: keeping)
      if !gone.isEmpty { events(.pruned(.init(objects: gone.map(\.description)))) }
      deployment.pruned()
      return nil
    } catch {
      if !error.deleted.isEmpty { events(.pruned(.init(objects: error.deleted.map(\.description)))) }
      return error
    }
  }

  private func forward(_ manifests: [Manifest], _ parts: LoopParts) async {
    guard let forwarder = parts.forwarder else { return }
    let rules = configurations.flatMap(\.portForwards)
    let wanted = PortForward.all(
      for: manifests, rules: rules, namespace: parts.description.namespace, opensPorts: options.opensPorts)
    let (first, warning) = PortForward.bounded(wanted)
    if let warning { events(.warning(.init(message: warning))) }
    await forwards.update(first, with: forwarder)
    if stopwatch.timeline.ready != nil, await forwards.answers() { stopwatch.mark(\.answered) }
  }
}

extension DevEvent.Waiting {
  init(_ progress: ReadinessProgress) {
    self.init(object: progress.object.description, ready: progress.ready, wanted: progress.wanted)
    switch progress.state {
    case .waiting(let reason), .failed(let reason): self.reason = reason
    case .ready: reason = nil
    }
  }
}
