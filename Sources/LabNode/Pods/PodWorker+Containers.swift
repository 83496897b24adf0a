import KubeObjects

extension PodWorker {
  /// Runs a container again and again as its Pod's restart policy says, with the kubelet's back-off, until the Pod
  /// ends.
  func keepRunning(_ name: String) async {
    var delay = Duration.zero
    while !Task.isCancelled, !isTerminating, let record = record(name) {
      let began = ContinuousClock.now
      guard let end = await runOnce(record) else { continue }
      guard restarts(record, after: end), !isTerminating else {
        update(name) {
          $0.state = .terminated(end)
          ($0.isReady, $0.hasStarted) = (false, false)
        }
        return await publish()
      }
      update(name) {
        $0.last = end
        $0.state = .waiting(reason: "CrashLoopBackOff", message: "")
        ($0.isReady, $0.hasStarted) = (false, false)
      }
      if ContinuousClock.now - began > .seconds(600) { delay = .zero }
      if delay > .zero {
        let message =
          """
          back-off \(delay.components.seconds)s restarting failed container=\(name) \
          pod=\(pod.name)_\(pod.namespace)(\(uid))
          """
        update(name) { $0.state = .waiting(reason: "CrashLoopBackOff", message: message) }
        await node.events.record(
          .warning, "BackOff",
          "Back-off restarting failed container \(name) in pod \(pod.name)_\(pod.namespace)(\(uid))", about: pod,
          field: record.field)
      }
      await publish()
      await pause(delay)
      // The first restart is immediate, as with a kubelet.
      delay = delay == .zero ? node.configuration.crashLoopDelay : min(delay * 2, node.configuration.crashLoopLimit)
    }
  }

  private func restarts(_ record: ContainerRecord, after end: ContainerRecord.Termination) -> Bool {
    if record.role == .sidecar { return true }
    switch pod.spec["restartPolicy"]?.stringValue ?? "Always" {
    case "Never": return false
    case "OnFailure": return end.exitCode != 0
    default: return record.role == .main || end.exitCode != 0
    }
  }

  /// One run from start to end.
  /// - Returns: nil where it could not be started for a reason that may pass, after a pause.
  private func runOnce(_ record: ContainerRecord) async -> ContainerRecord.Termination? {
    let name = record.name
    let attempt = attempts[name] ?? 0
    let startedAt = Timestamp.now()
    let started: ContainerStarter.Started
    do {
      started = try await ContainerStarter(node: node, pod: pod, volumes: volumes).start(record.spec, attempt: attempt)
    } catch let error as LabNodeError where error.code == .imageMissing || error.code == .containerConfig {
      await wait(for: record, error)
      return nil
    } catch {
      await node.events.record(.warning, "Failed", "Error: \(error)", about: pod, field: record.field)
      attempts[name] = attempt + 1
      update(name) { $0.restartCount = attempt }
      return ContainerRecord.Termination(
        exitCode: 128, signal: 0, reason: "StartError", message: "\(error)", startedAt: startedAt,
        finishedAt: Timestamp.now(), containerID: "")
    }
    attempts[name] = attempt + 1
    Files.remove(ContainerStarter.logPath(node.directories, uid, name, attempt - 2))
    return await follow(started, of: record, attempt: attempt)
  }

  private func wait(for record: ContainerRecord, _ error: LabNodeError) async {
    let isMissing = error.code == .imageMissing
    let never = record.spec["imagePullPolicy"]?.stringValue == "Never"
    var reason = isMissing ? (never ? "ErrImageNeverPull" : "ErrImagePull") : "CreateContainerConfigError"
    if case .waiting(let before, _) = record.state, before == "ErrImagePull" || before == "ImagePullBackOff",
      reason == "ErrImagePull"
    {
      reason = "ImagePullBackOff"
    }
    let isNew = record.state != .waiting(reason: reason, message: error.message)
    update(record.name) { $0.state = .waiting(reason: reason, message: error.message) }
    if isNew {
      await node.events.record(
        .warning, "Failed", isMissing ? error.message : "Error: \(error.message)", about: pod, field: record.field)
      await publish()
    }
    await pause(.milliseconds(500))
  }

  private func follow(_ started: ContainerStarter.Started, of record: ContainerRecord, attempt: Int) async
    -> ContainerRecord.Termination
  {
    let name = record.name
    let since = Timestamp.now()
    logs[name] = (attempt, started.log)
    runs[name] = Run(started: started)
    update(name) {
      $0.state = .running(since: since)
      $0.restartCount = attempt
      $0.containerID = "runc://" + started.identifier
      $0.imageID = started.imageID
    }
    // The Pod may have got its end while runc was at work.
    if isTerminating {
      started.process.send(9)
    } else {
      runs[name]?.probes = Task { await self.probe(record, started) }
    }
    await publish()
    await node.events.record(.normal, "Started", "Started container \(name)", about: pod, field: record.field)
    let exit = await started.process.exit
    runs[name]?.probes?.cancel()
    runs[name] = nil
    await started.log.ended(within: .seconds(1))
    await node.runc.remove(started.identifier)
    let message = terminationMessage(started, record, exit)
    started.rootFileSystem.remove()
    return ContainerRecord.Termination(
      exitCode: exit.status, signal: Int(exit.signal), reason: exit.status == 0 ? "Completed" : "Error",
      message: message, startedAt: since,
      finishedAt: Timestamp.now(), containerID: "runc://" + started.identifier)
  }

  /// At most 4096 bytes, as Kubernetes keeps.
  private func terminationMessage(_ started: ContainerStarter.Started, _ record: ContainerRecord, _ exit: ProcessExit)
    -> String
  {
    let written = String(decoding: Files.beginning(of: started.terminationLog, 4096), as: UTF8.self)
    guard written.isEmpty, exit.status != 0,
      record.spec["terminationMessagePolicy"]?.stringValue == "FallbackToLogsOnError"
    else { return written }
    var lines = LogLines(.init())
    // In the log's format each line is longer; the first one here may be the end of another.
    return String(decoding: lines.feed(Files.end(of: started.log.path, 32 << 10)).suffix(2048), as: UTF8.self)
  }
}
