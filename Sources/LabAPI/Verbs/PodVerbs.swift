import KubeObjects
import LabStore

extension APIServer {
  /// `pods/NAME/log`.
  func logs(_ request: APIRequest, _ key: ObjectKey) async throws -> APIResponse {
    let pod = try await stored(.pod) { try await store.get(key) }
    let names = ["initContainers", "containers"].flatMap { pod[path: "spec", $0]?.elements ?? [] }.compactMap {
      $0["name"]?.stringValue
    }
    let main = (pod[path: "spec", "containers"]?.elements ?? []).compactMap { $0["name"]?.stringValue }
    let asked = request.query["container"]
    guard let container = asked ?? (main.count == 1 ? main[0] : nil) else {
      throw StatusError.badRequest(
        "a container name must be specified for pod \(key.name), choose one of: [\(names.joined(separator: " "))]")
    }
    guard names.contains(container) else {
      throw StatusError.badRequest("container \(container) is not valid for pod \(key.name)")
    }
    let query = request.query
    try Self.checkLogOptions(query, pod: key.name)
    let options = LogOptions(
      follow: query.flag("follow"), tailLines: query.number("tailLines"), sinceSeconds: query.number("sinceSeconds"),
      sinceTime: query["sinceTime"], limitBytes: query.number("limitBytes"), timestamps: query.flag("timestamps"),
      previous: query.flag("previous"))
    let lines: AsyncThrowingStream<[UInt8], any Error>
    do {
      lines = try await node.logs(namespace: key.namespace, pod: key.name, container: container, options: options)
    } catch let error as NodeStreamError {
      throw StatusError.badRequest(error.message)
    }
    return APIResponse(
      200, contentType: "text/plain",
      body: .stream { writer in
        for try await bytes in lines { try await writer.write(bytes) }
      })
  }

  /// - Throws: `StatusError` (422) for numbers below 0 or above what seconds and lines can be.
  private static func checkLogOptions(_ query: QueryParameters, pod: String) throws {
    var stated: JSONValue = [:]
    for field in ["tailLines", "sinceSeconds", "limitBytes"] {
      stated[field] = query.number(field).map { JSONValue($0) }
    }
    let causes =
      NumberRules.check(stated, ["sinceSeconds"], in: 1...Int(Int32.max), at: "")
      + NumberRules.check(stated, ["tailLines"], in: 0...Int.max, at: "")
      + NumberRules.check(stated, ["limitBytes"], in: 1...Int.max, at: "")
    guard let cause = causes.first else { return }
    let field = String(cause.field.dropFirst())
    throw StatusError(
      422, "Invalid", "PodLogOptions \"\(pod)\" is invalid: \(field): \(cause.message)",
      details: [
        "name": .string(pod), "kind": "PodLogOptions",
        "causes": [FieldCause(cause.reason, field, cause.message).object],
      ])
  }

  /// `pods/NAME/eviction`: a deletion; the lab has no disruption budgets to ask.
  func evict(_ request: APIRequest, _ key: ObjectKey) async throws -> APIResponse {
    guard request.method == .POST else { throw StatusError.methodNotAllowed("eviction can only be created") }
    var options = try DeleteOptions(request)
    let wanted = try request.jsonBody()["deleteOptions"]
    options.grace = wanted?["gracePeriodSeconds"]?.intValue ?? options.grace
    _ = try await delete(key, .pod, options)
    return .json(["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201], code: 201)
  }
}
