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
          guard let conditions = event.object?[path: "status", "conditions"]?.elements else { continue }
          func condition(_ type: String, _ status: String) -> JSONValue? {
            conditions.first { $0["type"]?.stringValue == type && $0["status"]?.stringValue == status }
          }
          if condition("Established", "True") != nil { break watching }
          if let refused = condition("NamesAccepted", "False") {
            throw .status(
              code: 409, reason: "Conflict", message: refused["message"]?.stringValue ?? "its names are taken",
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
