import Agents
import ControlAPI
import InterceptMachine
import KubeAPI
import KubeObjects
import Workloads

/// The claims on one workload's agent. All holders change them on its Deployment, so that a new claim and the agent's
/// removal exclude each other.
struct AgentClaims: Sendable {
  let client: KubeClient
  let namespace: String
  let workload: String

  /// An agent's Deployment as it was read.
  struct Found: Sendable {
    var deployment: JSONValue
    /// Empty if it has no record: a version without claims made it.
    var claims: Claims
    var hasRecord: Bool
    var uid: String
  }

  private var name: String { AgentNames.base(workload) }

  /// Reads the agent; nil if there is none, or it is being deleted.
  func read() async throws(ControlError) -> Found? {
    let found = try await attempt("reading Deployment \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(.deployments, name, namespace: namespace)
    }
    guard let found, !found.isBeingDeleted, AgentNames.workload(of: found) == workload, let uid = found.uid else {
      return nil
    }
    let claims = ClaimsRecord.read(found)
    return Found(deployment: found, claims: claims ?? Claims(), hasRecord: claims != nil, uid: uid)
  }

  /// Writes the claims if they are still as they were read.
  /// - Returns: false if someone else has changed them, or the agent is gone.
  func write(_ claims: Claims, over found: Found) async throws(ControlError) -> Bool {
    var present = found
    let changes: JSONValue = [
      "metadata": ["annotations": [ClaimsRecord.annotation: JSONValue(ClaimsRecord.text(claims))]]
    ]
    while true {
      do throws(KubeError) {
        try await client.patch(.deployments, asRead: present.deployment, namespace: namespace, changes)
        return true
      } catch {
        if error.isNotFound { return false }
        guard error.isConflict else { throw ControlError(error, doing: "claiming the agent of \(workload)") }
        // Its status changes too, which is nobody's claim.
        guard let now = try await read(), now.uid == found.uid, now.claims == found.claims,
          now.deployment.resourceVersion != present.deployment.resourceVersion
        else { return false }
        present = now
      }
    }
  }

  /// Takes all claims off an agent that is to be removed: its holders do not divert a Service to it again then, once
  /// theirs are given back.
  func close(by holder: Holder) async throws(ControlError) {
    var contention = Contention()
    repeat {
      guard let found = try await read(), found.hasRecord, !found.claims.isEmpty else { return }
      if try await write(Claims(count: found.claims.count, closer: holder.identity), over: found) { return }
    } while await contention.waits()
  }
}
