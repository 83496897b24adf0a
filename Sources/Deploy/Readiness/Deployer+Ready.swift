import KubeAPI
import KubeObjects
import Manifests

extension Deployer {
  /// Waits until every applied workload has its Pods of the present template ready (a Job: has completed). It watches
  /// the Pods: one counts as soon as the API server says so, before its controller has noticed.
  /// - Parameter onProgress: called when a workload's state has changed.
  /// - Returns: the Pods that are ready.
  /// - Throws: `.notReady` with the reasons, as soon as it is certain that waiting will not help;
  ///   `.timedOut` with the findings so far.
  @discardableResult
  public func waitReady(
    _ applied: Applied, onProgress: @escaping @Sendable (ReadinessProgress) -> Void = { _ in }
  ) async throws(DeployError) -> [ReadyPod] {
    let workloads = applied.objects.filter { Self.waited.contains($0.resource) }
    guard !workloads.isEmpty else { return [] }
    var told: [ObjectID: ReadinessProgress] = [:]
    return try await look(at: workloads) { verdicts, elapsed -> [ReadyPod]? in
      for (workload, verdict) in verdicts {
        let progress = ReadinessProgress(
          object: workload.id, state: verdict.state, ready: verdict.rollout.ready, wanted: verdict.rollout.wanted,
          elapsed: elapsed)
        if told[workload.id]?.isSame(as: progress) != true { onProgress(progress) }
        told[workload.id] = progress
      }
      guard verdicts.allSatisfy({ $0.1.state == .ready }) else { return nil }
      return verdicts.flatMap { Self.readyPods($0.0, $0.1) }
    }
  }

  /// Watches on for a moment after `waitReady`: a Pod without a readiness probe is ready as soon as its process runs,
  /// and a process that ends at once is no success.
  /// - Throws: `.notReady` with the reasons.
  public func settle(_ applied: Applied, for time: Duration = .seconds(3)) async throws(DeployError) {
    let workloads = applied.objects.filter { Self.waited.contains($0.resource) && $0.resource != .jobs }
    guard !workloads.isEmpty else { return }
    try await look(at: workloads) { verdicts, elapsed -> Void? in
      guard verdicts.allSatisfy({ $0.1.state == .ready }) else { return nil }
      let isOver = elapsed >= time || verdicts.allSatisfy { $0.1.rollout.pods.allSatisfy(PodState.isProbed) }
      return isOver ? () : nil
    }
  }

  /// Watches workloads until there is a result.
  /// - Parameter result: called with the verdicts and the time since the start, after each change; nil to go on.
  /// - Throws: `.notReady` once one has failed, `.timedOut` after `readyTimeout`.
  private func look<Result>(
    at workloads: [AppliedObject], _ result: ([(AppliedObject, ReadinessView.Verdict)], Duration) -> Result?
  ) async throws(DeployError) -> Result {
    let start = ContinuousClock.now
    var view = ReadinessView(workloads)
    let (news, tasks) = watchAll(workloads)
    defer { for task in tasks { task.cancel() } }
    for await item in news {
      switch item {
      case .event(let event, let resource): view.take(event, of: resource)
      case .failed(let error): throw DeployError(error, doing: "watching until it is ready", object: workloads[0].id)
      case .tick: break
      }
      let verdicts = view.verdicts(at: .now)
      if let result = result(verdicts, .now - start) { return result }
      let failed = verdicts.filter { if case .failed = $0.1.state { true } else { false } }
      if !failed.isEmpty { throw await notReady(failed, .notReady) }
      if .now - start > options.readyTimeout {
        throw await notReady(verdicts.filter { $0.1.state != .ready }, .timedOut)
      }
    }
    throw DeployError(.cancelled, "cancelled while waiting until it is ready")
  }

  /// Watches on after `waitReady`, until the next deployment: a Pod without a probe is ready as soon as its process
  /// runs, and may crash a moment later.
  /// - Parameter onChange: called once for each workload that is no longer ready and will not recover by itself, and
  ///   once when it has been ready again for a while.
  /// - Throws: `.cancelled` when its task is cancelled, or an error that waiting cannot cure.
  public func watchTrouble(_ applied: Applied, onChange: @escaping @Sendable (Trouble) -> Void)
    async throws(DeployError)
  {
    let workloads = applied.objects.filter { Self.waited.contains($0.resource) }
    guard !workloads.isEmpty else { return }
    var view = ReadinessView(workloads)
    var trouble = TroubleView()
    let (news, tasks) = watchAll(workloads)
    defer { for task in tasks { task.cancel() } }
    for await item in news {
      switch item {
      case .event(let event, let resource): view.take(event, of: resource)
      case .failed(let error): throw DeployError(error, doing: "watching the workloads", object: workloads[0].id)
      case .tick: break
      }
      for change in trouble.take(view.verdicts(at: .now), at: .now) {
        switch change {
        case .failing(let workload, let verdict): onChange(.failing(await notReady([(workload, verdict)], .notReady)))
        case .recovered(let workload): onChange(.recovered(workload.id))
        }
      }
    }
    throw DeployError(.cancelled, "cancelled")
  }

  static let waited: Set<APIResource> = [.deployments, .statefulSets, .daemonSets, .replicaSets, .pods, .jobs]

  private enum News: Sendable {
    case event(WatchEvent, APIResource)
    case failed(KubeError)
    /// Time has passed.
    case tick
  }

  /// Starts one watch for each kind and namespace, of the run's objects alone.
  private func watchAll(_ workloads: [AppliedObject]) -> (AsyncStream<News>, [Task<Void, Never>]) {
    let (stream, sink) = AsyncStream.makeStream(of: News.self)
    var tasks: [Task<Void, Never>] = []
    for namespace in Set(workloads.compactMap(\.id.namespace)) {
      let kinds = Set(workloads.filter { $0.id.namespace == namespace }.map(\.resource))
      var watched = kinds.union([.pods, .events])
      if kinds.contains(.deployments) { watched.insert(.replicaSets) }
      for resource in watched {
        let selector = resource == .events ? nil : RunLabel.selector(run)
        let watch = client.watch(
          resource, namespace: namespace, labels: selector, fields: resource == .events ? "type=Warning" : nil)
        tasks.append(
          Task {
            var events = watch.makeAsyncIterator()
            do throws(KubeError) {
              while let event = try await events.next(isolation: #isolation) { sink.yield(.event(event, resource)) }
            } catch {
              // Events only explain.
              if resource != .events { sink.yield(.failed(error)) }
            }
          })
      }
    }
    // Ticks for the decisions that depend on time alone; the watches report everything else.
    tasks.append(
      Task {
        while (try? await Task.sleep(for: .milliseconds(500))) != nil { sink.yield(.tick) }
      })
    return (stream, tasks)
  }

  private static func readyPods(_ workload: AppliedObject, _ verdict: ReadinessView.Verdict) -> [ReadyPod] {
    guard workload.resource != .jobs else { return [] }
    return verdict.rollout.pods.filter(PodState.isReady).compactMap { pod in
      guard let namespace = pod.namespace, let name = pod.name, let uid = pod.uid else { return nil }
      return ReadyPod(namespace: namespace, name: name, uid: uid, workload: workload.id)
    }
  }
}

extension ReadinessProgress {
  /// Compares all but the time.
  fileprivate func isSame(as other: ReadinessProgress) -> Bool {
    state == other.state && ready == other.ready && wanted == other.wanted
  }
}
