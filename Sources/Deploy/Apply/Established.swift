import KubeAPI
import KubeObjects
import Manifests

extension Deployer {
  /// Waits until the API server serves the definitions' kinds (condition `Established`), or has refused their names.
  func waitEstablished(_ definitions: [AppliedObject]) async throws(DeployError) {
    for definition in definitions {
      do throws(KubeError) {
        let client = client.within(.seconds(30))
        var events = client.watch(definition.resource, namespace: nil, fields: "metadata.name=\(definition.id.name)")
          .makeAsyncIterator()
        watching: while let event = try await events.next(isolation: #isolation) {
          if event.object?.condition(ofType: "Established")?.isTrue == true { break watching }
          if let names = event.object?.condition(ofType: "NamesAccepted"), names.isFalse {
            throw .status(
              code: 409, reason: "Conflict", message: names.message.isEmpty ? "its names are taken" : names.message,
              details: nil)
          }
        }
      } catch {
        throw DeployError(
          error, doing: "waiting until it is established", object: definition.id, position: definition.position)
      }
    }
    if !definitions.isEmpty { await kinds.forget() }
  }
}
