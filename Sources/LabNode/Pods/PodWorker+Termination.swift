import KubeObjects

extension PodWorker {
  /// The time that containers get to end by themselves.
  var grace: Duration {
    .stated(
      pod.object[path: "metadata", "deletionGracePeriodSeconds"]?.intValue ?? pod.spec["terminationGracePeriodSeconds"]?
        .intValue ?? 30)
  }

  /// Ends the Pod: hooks, SIGTERM, SIGKILL when the grace has passed, then its network and files. A second call with
  /// less grace hastens the first.
  /// - Parameter removesObject: whether the Pod's object leaves the store at the end, as the kubelet's last act is.
  func terminate(grace: Duration, removesObject: Bool) async {
    if let termination {
      if grace <= .seconds(1) { kill(after: grace) }
      return await termination.value
    }
    isTerminating = true
    let task = Task {
      let lifecycle = endLifecycle()
      await stopAll(grace: grace)
      await ended(lifecycle)
      await publish()
      await tearDown()
      guard removesObject else { return }
      _ = try? await node.store.delete(key, grace: nil, preconditions: .init(uid: uid))
    }
    termination = task
    await task.value
  }

  /// Sidecars end after the containers they serve.
  private func stopAll(grace: Duration) async {
    for role in [ContainerRecord.Role.main, .initial, .sidecar] {
      let names = records.filter { $0.role == role && runs[$0.name] != nil }.map(\.name)
      for name in names where grace > .zero {
        await node.events.record(
          .normal, "Killing", "Stopping container \(name)", about: pod, field: record(name)?.field ?? "")
      }
      await withDiscardingTaskGroup { group in
        for name in names { group.addTask { await self.stop(name, grace: grace) } }
      }
    }
  }

  func stopSidecars() async {
    await withDiscardingTaskGroup { group in
      for record in records where record.role == .sidecar { group.addTask { await self.endSidecar(record.name) } }
    }
  }

  private func endSidecar(_ name: String) async {
    isTerminating = true
    await stop(name, grace: grace)
  }

  /// Stops a container's current run; returns when it has ended.
  func stop(_ name: String, grace: Duration) async {
    guard let run = runs[name], let record = record(name) else { return }
    runs[name]?.isStopping = true
    let process = run.started.process
    let killer = Task {
      try await Task.sleep(for: grace)
      process.send(9)
    }
    if grace > .zero {
      if let hook = record.spec[path: "lifecycle", "preStop"],
        case .failure(let reason) = await runHook(hook, record, run.started, grace)
      {
        await node.events.record(
          .warning, "FailedPreStopHook", "PreStopHook failed: \(reason)", about: pod, field: record.field)
      }
      process.send(15)
    } else {
      process.send(9)
    }
    _ = await process.exit
    killer.cancel()
  }

  private func kill(after grace: Duration) {
    let processes = runs.values.map(\.started.process)
    Task {
      try? await Task.sleep(for: grace)
      for process in processes { process.send(9) }
    }
  }

  /// A sidecar that starts only now is ended by the run itself, which sees that the Pod is to end.
  private func ended(_ tasks: [Task<Void, Never>]) async {
    for task in tasks { await task.value }
    for task in endLifecycle() { await task.value }
  }

  private func tearDown() async {
    if let address = pod.address { await node.network.detach(namespace, address) }
    Files.remove(node.directories.pod(uid))
    await node.events.forget(uid)
  }

  // MARK: Streams

  /// The file of a container's log, and the log itself while it can grow.
  /// - Returns: nil where there is no such run.
  func log(_ container: String, previous: Bool) -> (path: String, live: ContainerLog?)? {
    guard let newest = logs[container] else { return nil }
    if !previous { return (newest.log.path, newest.log) }
    guard newest.attempt > 0 else { return nil }
    return (ContainerStarter.logPath(node.directories, uid, container, newest.attempt - 1), nil)
  }

  var containerNames: (main: [String], all: [String]) {
    (records.filter { $0.role == .main }.map(\.name), records.map(\.name))
  }
  var hasNetwork: Bool { pod.address != nil && !isTerminating || !runs.isEmpty }
}
