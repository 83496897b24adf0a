import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// An agent that one installation keeps for itself, such as a gateway. It is recognised by its record, its UID and an
/// unchanged generation, never by its name: another's agent is neither used nor removed.
public struct OwnAgent: Sendable {
  public let client: KubeClient
  public let installation: Installation
  public let namespace: String
  public let holder: Holder
  public let records: AgentRecords
  /// The key that distinguishes it from this installation's others, in any cluster.
  public let key: String
  /// The beginning of its random name, such as `gateway-`.
  private let prefix: String
  /// Receives the name before anything of it is made: for the journal.
  private let willMake: @Sendable (_ workload: String) throws(ControlError) -> Void

  /// - Parameters:
  ///   - cluster: as the engine knows it.
  ///   - purpose: its role among this installation's agents in the namespace: `gateway`, a shell's workload.
  public init(
    client: KubeClient, installation: Installation, cluster: ClusterIdentity, namespace: String, holder: Holder,
    records: AgentRecords,
    purpose: String, prefix: String,
    willMake: @escaping @Sendable (_ workload: String) throws(ControlError) -> Void
  ) {
    self.client = client
    self.installation = installation
    self.namespace = namespace
    self.holder = holder
    self.records = records
    self.prefix = prefix
    self.willMake = willMake
    // The fields that `ClusterIdentity.isSame` compares.
    let authority = cluster.authority ?? cluster.server
    let place = cluster.uid ?? "\(cluster.server) \(cluster.access ?? "")"
    key = "\(place) \(authority) \(namespace) \(purpose)"
  }

  /// Its present name; nil before it has one.
  public var workload: String? { records[key]?.workload }

  private func deployer(_ workload: String) -> AgentDeployer {
    AgentDeployer(
      client: client, installation: installation,
      manifests: AgentManifests(workload: workload, namespace: namespace, holder: holder))
  }

  private enum Standing {
    case absent
    case asMade(AgentIdentity)
    /// Ours, but no longer as it was made.
    case changed
    case foreign(Holder?)
  }

  /// Returns the agent that exists, else makes a new one.
  /// - Parameter make: makes the agent's template for a name, and the Pod template that it is made from.
  public func ensure(
    _ what: String, progress: Engine.Progress?,
    make: (_ workload: String) async throws(ControlError) -> (AgentPodTemplate, JSONValue)
  ) async throws(ControlError) -> AgentIdentity {
    var name = try records.name(key, prefix: prefix)
    switch try await look(name) {
    case .asMade(let identity): return identity
    case .absent: break
    case .changed:
      progress?("\(what) in \(namespace) is not as it was made here: someone has changed it, so it is replaced")
    case .foreign(let owner):
      let whose = owner.map { "but by \($0.told(to: holder))" } ?? "and does not say whose it is"
      progress?(
        "Deployment \(namespace)/\(AgentNames.base(name)) was not made here, \(whose): it is left alone, "
          + "and \(what) gets another name")
      name = try records.rename(key, prefix: prefix)
    }
    let (template, podTemplate) = try await make(name)
    try willMake(name)
    let identity = try await deployer(name).deploy(
      template: template, from: podTemplate, selector: nil,
      replacing: records[key]?.uid.map { .agent(uid: $0) } ?? .any)
    try records.made(key, as: identity)
    return identity
  }

  private func look(_ name: String) async throws(ControlError) -> Standing {
    let found = try await attempt("reading Deployment \(namespace)/\(AgentNames.base(name))") {
      () async throws(KubeError) in
      try await client.find(.deployments, AgentNames.base(name), namespace: namespace)
    }
    guard let found else { return .absent }
    guard let record = records[key], let uid = found.uid, record.uid == uid else { return .foreign(Holder(of: found)) }
    if found.isBeingDeleted { return .absent }
    let deployer = deployer(name)
    guard let identity = try await deployer.existing(found), record.isOf(identity),
      try await deployer.hasOwnProgram(identity)
    else { return .changed }
    return .asMade(identity)
  }

  /// Deletes it if it was made here; the next one gets another name.
  public func remove() async throws(ControlError) {
    guard let record = records[key] else { return }
    if let uid = record.uid { try await deployer(record.workload).remove(uid: uid) }
    records.forget(key)
  }
}
