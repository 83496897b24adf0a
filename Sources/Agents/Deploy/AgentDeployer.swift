import ControlAPI
import KubeAPI
import KubeObjects

/// An agent that stands in a cluster.
public struct AgentIdentity: Sendable, Hashable {
  public var namespace: String
  public var workload: String
  public var controlPort: UInt16
  /// 32 bytes.
  public var token: [UInt8]
  /// Of the Deployment.
  public var uid: String

  public init(namespace: String, workload: String, controlPort: UInt16, token: [UInt8], uid: String) {
    self.namespace = namespace
    self.workload = workload
    self.controlPort = controlPort
    self.token = token
    self.uid = uid
  }
}

/// Brings agents into a cluster and out again.
public struct AgentDeployer: Sendable {
  public let client: KubeClient
  public let installation: Installation
  public let manifests: AgentManifests

  public init(client: KubeClient, installation: Installation, manifests: AgentManifests) {
    self.client = client
    self.installation = installation
    self.manifests = manifests
  }

  private var name: String { AgentNames.base(manifests.workload) }
  private var namespace: String { manifests.namespace }

  /// Creates the agent's objects, fitted to what the namespace demands; an earlier agent of the same name is replaced.
  /// - Parameter selector: the Service's own, where there is one: what the origin is found by.
  public func deploy(template: AgentPodTemplate, from podTemplate: JSONValue, selector: [String: String]?) async throws(ControlError) -> AgentIdentity {
    try await remove()
    let token = Self.randomToken()
    var template = template
    template.limitRanges = await LimitRanges.read(client: client, namespace: namespace)
    template.isRestricted = await PodSecurity.enforced(in: namespace, client: client) == .restricted
    let pod = template.make(from: podTemplate)
    let deployment = manifests.deployment(template: pod, replicas: 0)
    let owner = try await attempt("creating Deployment \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.create(deployment, as: .deployments, namespace: namespace)
    }
    do throws(ControlError) {
      var agents: [Architecture: [UInt8]] = [:]
      agents[template.architecture] = try installation.agent(template.architecture)
      var objects: [(JSONValue, APIResource)] = [
        (manifests.configMap(agents: agents, owner: owner), .configMaps),
        (manifests.secret(token: token.map(Self.hexadecimal).joined(), owner: owner), .secrets),
      ]
      if let selector {
        objects.append((manifests.originService(selector: selector, owner: owner), .services))
        objects.append((manifests.agentsService(owner: owner), .services))
      }
      try await createAll(objects)
      _ = try await attempt("starting Deployment \(namespace)/\(name)") { () async throws(KubeError) in
        try await client.patch(.deployments, name, namespace: namespace, type: .merge, ["spec": ["replicas": 1]])
      }
    } catch {
      try? await remove()
      throw error
    }
    return AgentIdentity(
      namespace: namespace, workload: manifests.workload, controlPort: template.controlPort, token: token, uid: owner.uid ?? "")
  }

  private func createAll(_ objects: [(JSONValue, APIResource)]) async throws(ControlError) {
    let outcome: [ControlError] = await withTaskGroup(of: ControlError?.self) { group in
      for (object, resource) in objects {
        group.addTask { [client, namespace] in
          do throws(ControlError) {
            _ = try await attempt("creating \(object.kind ?? "") \(namespace)/\(object.name ?? "")") { () async throws(KubeError) in
              try await client.create(object, as: resource, namespace: namespace)
            }
            return nil
          } catch {
            return error
          }
        }
      }
      return await group.reduce(into: []) { errors, error in if let error { errors.append(error) } }
    }
    if let first = outcome.first { throw first }
  }

  /// Removes the agent that bears the name, as `AgentRemoval` does.
  public func remove(uid: String? = nil) async throws(ControlError) {
    try await AgentRemoval(client: client, namespace: namespace, workload: manifests.workload).remove(uid: uid)
  }

  static func owned(_ workload: String) -> [(APIResource, String)] {
    [
      (.configMaps, AgentNames.base(workload)), (.secrets, AgentNames.base(workload)),
      (.services, AgentNames.originService(workload)), (.services, AgentNames.agentsService(workload)),
    ]
  }

  /// The agent that stands there already, with its token; nil where there is none or it is being deleted.
  public func existing() async throws(ControlError) -> AgentIdentity? {
    let deployment = try await attempt("reading Deployment \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(.deployments, name, namespace: namespace)
    }
    guard let deployment, !deployment.isBeingDeleted, let port = Self.controlPort(of: deployment) else { return nil }
    let secret = try await attempt("reading Secret \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(.secrets, name, namespace: namespace)
    }
    guard let encoded = secret?[path: "data", "token"]?.stringValue, let token = Self.token(base64: encoded) else { return nil }
    return AgentIdentity(namespace: namespace, workload: manifests.workload, controlPort: port, token: token, uid: deployment.uid ?? "")
  }

  /// Whether the agent that stands has the program and the ports that this template would give it.
  public func stands(as template: AgentPodTemplate) async throws(ControlError) -> Bool {
    let found = try await attempt("reading the agent of \(manifests.workload)") { () async throws(KubeError) in
      (try await client.find(.deployments, name, namespace: namespace), try await client.find(.configMaps, name, namespace: namespace))
    }
    guard let deployment = found.0, let program = found.1?[path: "binaryData", "agent-\(template.architecture.rawValue)"]?.stringValue else { return false }
    let wanted = template.make(from: [:])[path: "spec", "containers"]?[0]?["command"]
    let present = deployment[path: "spec", "template", "spec", "containers"]?[0]?["command"]
    let bytes = try installation.agent(template.architecture)
    return wanted == present && [UInt8](base64: program) == bytes
  }

  static func controlPort(of deployment: JSONValue) -> UInt16? {
    let command = deployment[path: "spec", "template", "spec", "containers"]?.elements.first?["command"]?.elements.compactMap(\.stringValue) ?? []
    guard let index = command.firstIndex(of: "--control"), index + 1 < command.count else { return nil }
    return UInt16(command[index + 1])
  }

  // MARK: Tokens

  private static func randomToken() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  private static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  private static func token(base64: String) -> [UInt8]? {
    guard let text = [UInt8](base64: base64) else { return nil }
    var bytes: [UInt8] = []
    var rest = text[...]
    while rest.count >= 2, let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    return bytes.count == 32 ? bytes : nil
  }
}
