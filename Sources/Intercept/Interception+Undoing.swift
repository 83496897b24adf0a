import Agents
import ControlAPI
import KubeAPI
import KubeObjects

// A start that failed is undone; an object that cannot be removed is reported until it is gone.

extension Interception {
  /// True if nothing of a failed start is left to undo.
  public var isUndone: Bool { undoing == nil }

  /// Returns once nothing of a failed start is left to undo.
  public func untilUndone() async { await undoing?.value }

  /// Undoes everything after a failure or a Ctrl-C while setting up. If the cluster doesn't allow it, undoing continues
  /// in the background.
  /// - Returns: the error to report.
  func undone(after failure: ControlError) async -> ControlError {
    // Another task, since undoing must not be cancelled with the rest.
    undoing = Task {
      while await !undo() { try? await Task.sleep(for: .seconds(5)) }
      undoing = nil
    }
    guard let problem = await waitForUndoing(.seconds(20)) else {
      // The failure followed from a take-over by someone else: a tunnel that is closed then has been cancelled too, but
      // not by the user.
      guard isLost, !Task.isCancelled, let message else { return failure }
      return ControlError(
        .conflict, message, remedy: "Nothing of yours is left to undo. Talk to them, or take it back: --take-over.")
    }
    return ControlError(
      .incomplete, "\(failure.message); it cannot be undone now: \(problem.message)",
      remedy: [failure.remedy, problem.remedy].compactMap(\.self).joined(separator: " "), details: failure.details)
  }

  /// Waits for the undoing.
  /// - Returns: the obstacle; nil once nothing of ours is left.
  func waitForUndoing(_ limit: Duration) async -> ControlError? {
    let deadline = ContinuousClock.now + limit
    // A refusal is final, so stop waiting. Sleep in another task: this one may be cancelled.
    while undoing != nil, !isRefused, ContinuousClock.now < deadline {
      await Task { try? await Task.sleep(for: .milliseconds(20)) }.value
    }
    return undoing == nil ? nil : remains ?? Self.unanswered
  }

  private func undo() async -> Bool {
    await stopGuard()
    state = .leaving
    let wasDiverted = isDiverted
    do throws(ControlError) {
      try await divertBack { _ in }
    } catch {
      // The Service is still diverted, and the agent passes everything to the origin.
      remain(
        error, ControlError(.incomplete, error.message, remedy: "New connections go to the origin. \(Self.stillTried)"))
      return false
    }
    if wasDiverted { await drainAgent(within: .seconds(5)) }
    for keeper in keepers { keeper.cancel() }
    keepers = []
    return await tearDown()
  }

  // MARK: Objects that stay

  /// Returns, after `leave` and before all is removed, the objects that will stay because the user may not delete them.
  public func whatStays() async -> ControlError? {
    guard deployer != nil else { return nil }
    let deletions = [Permission("delete", .deployments), Permission("delete", .leases)]
    guard let missing = try? await client.within(.seconds(5)).missing(deletions, namespace: namespace), !missing.isEmpty
    else { return nil }
    let cause =
      "your credentials may not \(missing.map(\.description).joined(separator: ", ")) in namespace \(namespace)"
    stay(behind: ControlError(.forbidden, cause), agent: missing.contains(deletions[0]))
    return remains
  }

  /// Returns once all is removed, or something is known to stay.
  public func whenSettled(_ finishing: Task<Void, Never>) async -> ControlError? {
    Task {
      await finishing.value
      isOver = true
    }
    while remains == nil, !isOver, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(20)) }
    return remains
  }

  /// Makes `finish` stop retrying: the journal keeps the rest for the next daemon.
  public func giveUp() { isGivenUp = true }

  /// - Parameter agent: true if the Deployment stays too, not only the Lease.
  func stay(behind cause: ControlError, agent: Bool) {
    let name = AgentNames.base(plan?.workload.name ?? deployer?.manifests.workload ?? lease?.workload ?? "")
    let kinds = agent ? "deployment,lease" : "lease"
    let what =
      agent
      ? "Deployment \(namespace)/\(name) with what it owns, and its Lease, stay" : "Lease \(namespace)/\(name) stays"
    remain(
      cause,
      ControlError(
        .incomplete, "\(what) in the cluster: \(cause.message)",
        remedy:
          "Nothing is diverted. Someone who may delete what stays can run "
          + "`devtunnel restore -n \(namespace) --context \(client.access.contextName)`, "
          + "or `kubectl -n \(namespace) delete \(kinds) \(name)`. \(Self.stillTried)"))
  }

  private func remain(_ cause: ControlError, _ told: ControlError) {
    let isSilent = cause.code == .unreachable || cause.code == .timedOut
    remains = isSilent ? Self.unanswered : told
    isRefused = cause.code == .forbidden || cause.code == .refused
    let problem =
      isSilent
      ? "it cannot be undone now: the API server does not answer; new connections go to the origin" : told.message
    message = "\(problem), and it is tried again"
    context.log.error(
      "undoing failed", metadata: ["service": "\(namespace)/\(request.service)", "why": "\(cause.message)"])
  }

  private static let stillTried = "The daemon tries again; `devtunnel status` shows it."
  private static let unanswered = ControlError(
    .incomplete, "the API server does not answer",
    remedy:
      "New connections go to the origin. The daemon tries again until the server answers; `devtunnel status` shows it.")
}
