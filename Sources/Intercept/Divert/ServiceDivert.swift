import Agents
import ControlAPI
import KubeAPI
import KubeObjects

/// The change that an intercept makes to a Service, and its undoing: one key more in the selector, and the selector that was before in an annotation, so that a
/// machine that never saw the intercept can undo it.
public struct ServiceDivert: Sendable {
  public let client: KubeClient
  public let namespace: String
  public let service: String
  public let workload: String
  public let selector: [String: String]

  public init(client: KubeClient, namespace: String, service: String, workload: String, selector: [String: String]) {
    self.client = client
    self.namespace = namespace
    self.service = service
    self.workload = workload
    self.selector = selector
  }

  public var diverted: [String: String] {
    selector.merging([AgentNames.agentLabel: AgentNames.label(workload)]) { $1 }
  }

  /// Diverts; the patch tests that nobody has changed the selector meanwhile.
  public func divert(holder: String) async throws(ControlError) {
    let object = try await attempt("reading Service \(namespace)/\(service)") { () async throws(KubeError) in try await client.get(.services, service, namespace: namespace) }
    let present = object[path: "spec", "selector"]?.stringMap ?? [:]
    if present == diverted { return }
    var annotations = object.annotations
    annotations[AgentNames.selectorAnnotation] = JSONValue(selector).description
    annotations[AgentNames.holderAnnotation] = holder
    guard try await patch(object, from: selector, to: diverted, annotations: annotations, doing: "diverting") else {
      throw ControlError(
        .conflict, "diverting Service \(namespace)/\(service): its selector was changed by somebody else at the same time", remedy: "Try again.")
    }
  }

  /// Gives the Service its own selector back; nothing to undo is no error.
  /// - Returns: whether anything was changed.
  @discardableResult
  public static func restore(client: KubeClient, namespace: String, service: String) async throws(ControlError) -> Bool {
    for _ in 0..<5 {
      let found = try await attempt("reading Service \(namespace)/\(service)") { () async throws(KubeError) in try await client.find(.services, service, namespace: namespace) }
      guard let object = found else { return false }
      let present = object[path: "spec", "selector"]?.stringMap ?? [:]
      guard present[AgentNames.agentLabel] != nil || object.annotations[AgentNames.selectorAnnotation] != nil else { return false }
      // Only our key goes: what others have changed in the meantime stays.
      var restored = present
      restored[AgentNames.agentLabel] = nil
      var annotations = object.annotations
      annotations[AgentNames.selectorAnnotation] = nil
      annotations[AgentNames.holderAnnotation] = nil
      let divert = ServiceDivert(client: client, namespace: namespace, service: service, workload: "", selector: restored)
      if try await divert.patch(object, from: present, to: restored, annotations: annotations, doing: "restoring") { return true }
    }
    throw ControlError(.conflict, "Service \(namespace)/\(service) keeps changing", remedy: "Try `devtunnel restore` again.")
  }

  /// Whether our key is in a Service's selector; false where there is no such Service.
  static func stands(client: KubeClient, namespace: String, service: String) async throws(ControlError) -> Bool {
    let found = try await attempt("reading Service \(namespace)/\(service)") { () async throws(KubeError) in
      try await client.find(.services, service, namespace: namespace)
    }
    return found?[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel] != nil
  }

  /// - Returns: false where somebody has changed the selector meanwhile.
  private func patch(
    _ object: JSONValue, from old: [String: String], to new: [String: String], annotations: [String: String], doing what: String
  ) async throws(ControlError) -> Bool {
    var operations: [JSONValue] = [
      ["op": "test", "path": "/spec/selector", "value": JSONValue(old)],
      ["op": "replace", "path": "/spec/selector", "value": JSONValue(new)],
    ]
    operations.append(["op": "add", "path": "/metadata/annotations", "value": JSONValue(annotations)])
    do throws(KubeError) {
      try await client.patch(.services, service, namespace: namespace, type: .json, .array(operations))
      return true
    } catch {
      // A failed test answers 422, but so do admission policies and validation: the Service tells which it was.
      if error.statusCode == 422 || error.statusCode == 409, await hasChanged(from: old) { return false }
      throw ControlError(error, doing: "\(what) Service \(namespace)/\(service)")
    }
  }

  private func hasChanged(from old: [String: String]) async -> Bool {
    guard let present = try? await client.get(.services, service, namespace: namespace) else { return false }
    return (present[path: "spec", "selector"]?.stringMap ?? [:]) != old
  }
}
