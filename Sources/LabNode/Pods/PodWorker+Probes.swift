import KubeObjects

extension PodWorker {
  /// Runs a container's hook and probes until the task is cancelled: first startup, then readiness and liveness beside
  /// each other.
  func probe(_ record: ContainerRecord, _ started: ContainerStarter.Started) async {
    await runPostStart(record, started)
    await sayWhatIsSimpler(record)
    if let startup = prober(.startup, record, started) {
      await startup.run(
        failed: { await self.report(.startup, $0, record) },
        changed: {
          if !$0 {
            await self.restart(record, started, "Container \(record.name) failed startup probe, will be restarted")
          } else {
            await self.set(record, started) { $0.hasStarted = true }
          }
        })
      guard self.record(record.name)?.hasStarted == true, isCurrent(started, record) else { return }
    }
    let readiness = prober(.readiness, record, started)
    await set(record, started) {
      $0.hasStarted = true
      $0.isReady = readiness == nil
    }
    let liveness = prober(.liveness, record, started)
    await withDiscardingTaskGroup { group in
      if let readiness {
        group.addTask {
          await readiness.run(
            failed: { await self.report(.readiness, $0, record) },
            changed: { isPassing in await self.set(record, started) { $0.isReady = isPassing } })
        }
      }
      if let liveness {
        group.addTask {
          await liveness.run(
            failed: { await self.report(.liveness, $0, record) },
            changed: {
              if !$0 {
                await self.restart(record, started, "Container \(record.name) failed liveness probe, will be restarted")
              }
            })
        }
      }
    }
  }

  private func prober(_ kind: Prober.Kind, _ record: ContainerRecord, _ started: ContainerStarter.Started) -> Prober? {
    guard let spec = record.spec["\(kind.rawValue.lowercased())Probe"] else { return nil }
    return prober(kind, Probe(spec, in: record.spec), started)
  }

  private func prober(_ kind: Prober.Kind, _ probe: Probe, _ started: ContainerStarter.Started) -> Prober {
    let (runc, identifier) = (node.runc, started.identifier)
    return Prober(kind: kind, probe: probe, address: pod.address?.description ?? "", network: node.probes) {
      command, timeout in
      try await runc.exec(identifier, command, timeout: timeout)
    }
  }

  private func sayWhatIsSimpler(_ record: ContainerRecord) async {
    for kind in ["startupProbe", "readinessProbe", "livenessProbe"] {
      guard let spec = record.spec[kind], case .http(_, _, _, _, isSecure: true) = Probe(spec, in: record.spec).action
      else { continue }
      let message = "\(kind) with scheme HTTPS: the lab only connects, it does not ask"
      await node.events.record(.normal, "ProbeSimplified", message, about: pod, field: record.field)
    }
  }

  private func isCurrent(_ started: ContainerStarter.Started, _ record: ContainerRecord) -> Bool {
    runs[record.name]?.started.identifier == started.identifier
  }

  private func set(
    _ record: ContainerRecord, _ started: ContainerStarter.Started, _ change: @Sendable (inout ContainerRecord) -> Void
  ) async {
    guard isCurrent(started, record) else { return }
    let before = self.record(record.name)
    update(record.name, change)
    let after = self.record(record.name)
    if before?.isReady != after?.isReady || before?.hasStarted != after?.hasStarted { await publish() }
  }

  private func report(_ kind: Prober.Kind, _ reason: String, _ record: ContainerRecord) async {
    guard !isTerminating else { return }
    await node.events.record(
      .warning, "Unhealthy", "\(kind.rawValue) probe failed: \(reason)", about: pod, field: record.field)
  }

  private func restart(_ record: ContainerRecord, _ started: ContainerStarter.Started, _ why: String) async {
    guard !isTerminating, isCurrent(started, record), runs[record.name]?.isStopping == false else { return }
    await node.events.record(.normal, "Killing", why, about: pod, field: record.field)
    // Its own task: stopping ends the one that the probes run in.
    Task { await stop(record.name, grace: grace) }
  }

  // MARK: Hooks

  private func runPostStart(_ record: ContainerRecord, _ started: ContainerStarter.Started) async {
    guard let handler = record.spec[path: "lifecycle", "postStart"],
      case .failure(let reason) = await runHook(handler, record, started, .seconds(300))
    else { return }
    await node.events.record(
      .warning, "FailedPostStartHook", "PostStartHook failed: \(reason)", about: pod, field: record.field)
    await restart(record, started, "FailedPostStartHook")
  }

  /// Runs a lifecycle handler once.
  func runHook(_ handler: JSONValue, _ record: ContainerRecord, _ started: ContainerStarter.Started, _ limit: Duration)
    async -> ProbeResult
  {
    if let seconds = handler[path: "sleep", "seconds"]?.intValue {
      await pause(min(limit, .stated(seconds)))
      return .success
    }
    var probe = Probe(handler, in: record.spec)
    probe.timeout = limit
    return await prober(.liveness, probe, started).check()
  }
}
