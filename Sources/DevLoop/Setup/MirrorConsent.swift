import Synchronization

/// The user's consent to copies of Secrets and ConfigMaps of one cluster into another: asked once for
/// each pair, and remembered.
public struct MirrorConsent: Sendable {
  /// A cluster, by its identity and not by its name in a kubeconfig.
  public struct Cluster: Sendable, Hashable {
    /// For the user: `CONTEXT/NAMESPACE`, or the context.
    public var name: String
    /// `LocalGuard.identity(of:)`, and the namespace if it matters.
    public var identity: String

    public init(name: String, identity: String) {
      self.name = name
      self.identity = identity
    }
  }

  private final class Refused: Sendable {
    let pairs = Mutex<Set<String>>([])
  }

  private let memory: ClusterMemory
  /// Refusals for the life of the loop, which reads its configuration again and again.
  private let refused = Refused()

  public init(stateDirectory: String) { memory = ClusterMemory(file: stateDirectory + "/mirrors.json") }

  /// - Parameters:
  ///   - source: the source of the copies.
  ///   - destination: the cluster that was chosen.
  ///   - isNamed: true if the person has named the destination's context for this command.
  ///   - option: the option that names it.
  ///   - ask: puts the question to the person; nil if there is none: then the option that asks for copies is the
  ///     consent, for a destination that is named. Another one may be skaffold.yaml's choice, or the context that is
  ///     current just now.
  /// - Throws: an error if nobody can be asked, and the destination is not named and was not allowed before.
  public func isGiven(
    from source: Cluster, into destination: Cluster, isNamed: Bool, option: String = "--context",
    ask: ((_ question: String) -> Bool)?
  ) throws(LoopError) -> Bool {
    let pair = "\(source.identity) → \(destination.identity)"
    guard memory.load()[pair] == nil else { return true }
    guard let ask else {
      if isNamed { return true }
      // Of the cluster, so that the loop ends: no change of a file helps.
      throw LoopError(
        .cluster,
        """
        Secrets and ConfigMaps of \(source.name) would be copied into context \(destination.name), which the command \
        line does not name, and there is no terminal to ask at
        """,
        remedy: "name the cluster that they go to: \(option) \(destination.name)")
    }
    if refused.pairs.withLock({ $0.contains(pair) }) { return false }
    guard
      ask(
        """
        Copy the Secrets and ConfigMaps that the manifests need from \(source.name) into \(destination.name), as long \
        as the loop runs?
        """
      )
    else {
      refused.pairs.withLock { _ = $0.insert(pair) }
      return false
    }
    memory.save(pair, "\(source.name) → \(destination.name)")
    return true
  }
}
