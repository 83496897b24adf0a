import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The sign that a holder lives: a Lease for each holder of claims on a workload (coordination.k8s.io/v1). It gives no
/// right, so that nothing is lost with it; it is made again.
struct HolderLease: Sendable {
  var client: KubeClient
  let namespace: String
  let workload: String
  let holder: Holder
  /// The first looks at others' Leases.
  var looks = LeaseLooks()

  static func name(_ workload: String, _ holder: String) -> String {
    "\(AgentNames.base(workload))-\(AgentNames.checksum(holder))"
  }

  var name: String { Self.name(workload, holder.identity) }

  /// Renews the Lease, or makes it.
  func renew() async throws(KubeError) {
    let patch: JSONValue = ["spec": ["renewTime": JSONValue(Timestamp.micro(Date()))]]
    do throws(KubeError) {
      try await client.patch(.leases, name, namespace: namespace, type: .merge, patch)
    } catch {
      guard error.isNotFound else { throw error }
      do throws(KubeError) { try await client.create(fresh(), as: .leases, namespace: namespace) } catch {
        guard error.isAlreadyExists else { throw error }
      }
    }
  }

  func remove() async throws(ControlError) {
    do throws(KubeError) { try await client.delete(.leases, name, namespace: namespace) } catch {
      guard !error.isNotFound else { return }
      throw ControlError(error, doing: "deleting Lease \(namespace)/\(name)")
    }
  }

  /// Returns those of the holders who live, by two looks at their Leases.
  func living(among holders: Set<String>, progress: Engine.Progress?) async throws(ControlError) -> Set<String> {
    var living: Set<String> = []
    for other in holders.sorted() {
      let held = try await looks.read(
        Self.name(workload, other), namespace: namespace, client: client, progress: progress, spares: { _ in false }
      )
      .held
      if held?.isFresh == true { living.insert(other) }
    }
    return living
  }

  private func fresh() -> JSONValue {
    var lease: JSONValue = [
      "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
      "spec": [
        "holderIdentity": JSONValue(holder.identity), "leaseDurationSeconds": JSONValue(WorkloadLease.duration),
        "acquireTime": JSONValue(Timestamp.micro(Date())), "renewTime": JSONValue(Timestamp.micro(Date())),
      ],
    ]
    lease.name = name
    lease.namespace = namespace
    lease.labels = [AgentNames.managedByLabel: AgentNames.managedBy, AgentNames.agentLabel: AgentNames.label(workload)]
    lease.annotations = AgentManifests(workload: workload, namespace: namespace, holder: holder).annotations
    return lease
  }
}
