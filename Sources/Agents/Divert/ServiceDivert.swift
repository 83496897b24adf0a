import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// The change that an intercept makes to a Service, and its undoing. It adds one key to the selector and keeps the
/// former selector in an annotation, so that a machine that never saw the intercept can undo it.
///
/// Only these keys are patched (RFC 7386): concurrent changes by others stay.
public struct ServiceDivert: Sendable {
  public let client: KubeClient
  public let namespace: String
  public let service: String
  public let workload: String
  /// The Service's own, without our key.
  public let selector: [String: String]

  public init(client: KubeClient, namespace: String, service: String, workload: String, selector: [String: String]) {
    self.client = client
    self.namespace = namespace
    self.service = service
    self.workload = workload
    self.selector = selector
  }

  /// The selector with our key.
  public var diverted: [String: String] {
    selector.merging([AgentNames.agentLabel: AgentNames.label(workload)]) { $1 }
  }

  /// Diverts, unless someone has changed the selector since it was read.
  public func divert(holder: String) async throws(ControlError) {
    for _ in 0..<5 {
      let object = try await attempt("reading Service \(namespace)/\(service)") { () async throws(KubeError) in
        try await client.get(.services, service, namespace: namespace)
      }
      let present = object[path: "spec", "selector"]?.stringMap ?? [:]
      if present == diverted { return }
      guard present == selector else {
        throw ControlError(
          .conflict,
          "diverting Service \(namespace)/\(service): someone else changed its selector at the same time",
          remedy: "Try again.")
      }
      let annotations: JSONValue = [
        AgentNames.selectorAnnotation: JSONValue(JSONValue(selector).description),
        AgentNames.holderAnnotation: JSONValue(holder),
      ]
      let changes: JSONValue = [
        "metadata": ["annotations": annotations],
        "spec": ["selector": [AgentNames.agentLabel: JSONValue(AgentNames.label(workload))]],
      ]
      do throws(KubeError) {
        try await client.patch(.services, asRead: object, namespace: namespace, changes)
        return
      } catch {
        // A policy may answer 409, too: the Service's version shows which it was.
        if error.isConflict, await hasChanged(since: object) { continue }
        throw ControlError(error, doing: "diverting Service \(namespace)/\(service)")
      }
    }
    throw ControlError(.conflict, "Service \(namespace)/\(service) keeps changing", remedy: "Try again.")
  }

  private func hasChanged(since object: JSONValue) async -> Bool {
    guard let present = try? await client.get(.services, service, namespace: namespace) else { return false }
    return present.resourceVersion != object.resourceVersion
  }

  /// Gives the Service its own selector back, by removing only our keys. Nothing to undo is no error.
  /// - Returns: true if anything was changed.
  @discardableResult
  public static func restore(client: KubeClient, namespace: String, service: String) async throws(ControlError) -> Bool
  {
    let found = try await attempt("reading Service \(namespace)/\(service)") { () async throws(KubeError) in
      try await client.find(.services, service, namespace: namespace)
    }
    guard let object = found else { return false }
    let isDiverted = key(of: object) != nil
    guard isDiverted || isRecorded(object) else { return false }
    var patch: JSONValue = [
      "metadata": ["annotations": [AgentNames.selectorAnnotation: .null, AgentNames.holderAnnotation: .null]]
    ]
    if isDiverted { patch["spec"] = ["selector": [AgentNames.agentLabel: .null]] }
    do throws(KubeError) {
      try await client.patch(.services, service, namespace: namespace, type: .merge, patch)
      return true
    } catch {
      if error.isNotFound { return false }
      throw ControlError(error, doing: "restoring Service \(namespace)/\(service)")
    }
  }

  /// Checks whether our key is in a Service's selector; false if there is no such Service.
  public static func stands(client: KubeClient, namespace: String, service: String) async throws(ControlError) -> Bool {
    let found = try await attempt("reading Service \(namespace)/\(service)") { () async throws(KubeError) in
      try await client.find(.services, service, namespace: namespace)
    }
    return found.flatMap(key) != nil
  }

  /// Returns the agent that a Service's selector asks for: the value of our key.
  static func key(of service: JSONValue) -> String? {
    service[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel]
  }

  /// Checks whether a Service has our record of its own selector.
  static func isRecorded(_ service: JSONValue) -> Bool { service.annotations[AgentNames.selectorAnnotation] != nil }
}
