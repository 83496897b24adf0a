import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The objects that make up one agent.
public struct AgentManifests: Sendable {
  public let workload: String
  public let namespace: String
  public let holder: Holder
  /// The intercepted Service; nil for a gateway.
  public let service: String?

  public init(workload: String, namespace: String, holder: Holder, service: String? = nil) {
    self.workload = workload
    self.namespace = namespace
    self.holder = holder
    self.service = service
  }

  /// The annotations that say whose object it is.
  public var annotations: [String: String] {
    var annotations = [AgentNames.workloadAnnotation: workload, AgentNames.holderAnnotation: holder.name]
    annotations[AgentNames.installationAnnotation] = holder.installation
    annotations[AgentNames.serviceAnnotation] = service
    return annotations
  }

  private func object(_ apiVersion: String, _ kind: String, name: String, owner: OwnerReference?) -> JSONValue {
    var object: JSONValue = ["apiVersion": JSONValue(apiVersion), "kind": JSONValue(kind)]
    object.name = name
    object.namespace = namespace
    object.labels = [
      AgentNames.managedByLabel: AgentNames.managedBy, AgentNames.agentLabel: AgentNames.label(workload),
    ]
    object.annotations = annotations
    if let owner { object[path: "metadata", "ownerReferences"] = [owner.json] }
    return object
  }

  /// - Parameter replicas: 0 at first, since the Pod needs what the Deployment will own.
  public func deployment(template: JSONValue, replicas: Int) -> JSONValue {
    var deployment = object("apps/v1", "Deployment", name: AgentNames.base(workload), owner: nil)
    deployment["spec"] = [
      "replicas": JSONValue(replicas), "revisionHistoryLimit": 1, "strategy": ["type": "Recreate"],
      "selector": ["matchLabels": [AgentNames.agentLabel: JSONValue(AgentNames.label(workload))]],
      "template": template,
    ]
    return deployment
  }

  /// Makes the ConfigMap with the agent's programs, one for each processor given. Its content never changes.
  /// - Parameters:
  ///   - name: as in the Pod template.
  ///   - owner: the agent's Deployment, with which it is deleted.
  public func configMap(_ name: String, agents: [Architecture: [UInt8]], owner: OwnerReference) -> JSONValue {
    var configMap = object("v1", "ConfigMap", name: name, owner: owner)
    configMap["immutable"] = true
    var data: JSONValue = [:]
    for (architecture, bytes) in agents {
      data["agent-\(architecture.rawValue)"] = JSONValue(Data(bytes).base64EncodedString())
    }
    configMap["binaryData"] = data
    return configMap
  }

  /// - Parameters:
  ///   - name: as in the Pod template.
  ///   - token: 64 hexadecimal digits.
  public func secret(_ name: String, token: String, owner: OwnerReference) -> JSONValue {
    var secret = object("v1", "Secret", name: name, owner: owner)
    secret["immutable"] = true
    secret["type"] = "Opaque"
    secret["stringData"] = ["token": JSONValue(token)]
    return secret
  }

  /// Makes the headless Service with the selector that finds the origin.
  public func originService(selector: [String: String], owner: OwnerReference) -> JSONValue {
    headless(AgentNames.originService(workload), selector: selector, publishesNotReady: false, owner: owner)
  }

  /// Makes the headless Service that lists the agents alone, ready or not.
  public func agentsService(owner: OwnerReference) -> JSONValue {
    headless(
      AgentNames.agentsService(workload), selector: [AgentNames.agentLabel: AgentNames.label(workload)],
      publishesNotReady: true, owner: owner)
  }

  private func headless(_ name: String, selector: [String: String], publishesNotReady: Bool, owner: OwnerReference)
    -> JSONValue
  {
    var service = object("v1", "Service", name: name, owner: owner)
    service["spec"] = [
      "clusterIP": "None", "selector": JSONValue(selector), "publishNotReadyAddresses": JSONValue(publishesNotReady),
    ]
    return service
  }
}
