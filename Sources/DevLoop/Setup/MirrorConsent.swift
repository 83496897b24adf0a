/// Whether a person wants Secrets and ConfigMaps of one cluster copied into another: asked once for each pair, and remembered.
public struct MirrorConsent: Sendable {
  private let memory: ClusterMemory

  public init(stateDirectory: String) { memory = ClusterMemory(file: stateDirectory + "/mirrors.json") }

  /// - Parameters:
  ///   - source: `CONTEXT/NAMESPACE` that copies would come from.
  ///   - destination: the context they would go to.
  ///   - ask: puts the question to the person; nil where there is none: then the option that asks for copies is the consent.
  public func isGiven(from source: String, into destination: String, ask: ((_ question: String) -> Bool)?) -> Bool {
    guard let ask, memory.load()[source] != destination else { return true }
    guard ask("Copy the Secrets and ConfigMaps that the manifests need from \(source) into \(destination), as long as the loop runs?") else { return false }
    memory.save(source, destination)
    return true
  }
}
