import ControlAPI
import KubeAPI
import KubeObjects
import Workloads

/// A running agent in a cluster.
public struct AgentIdentity: Sendable, Hashable {
  public var namespace: String
  public var workload: String
  /// The port on the Pod's loopback at which the agent takes the daemon's sessions.
  public var controlPort: UInt16
  /// 32 bytes: the secret that a session must show to the agent.
  public var token: [UInt8]
  /// The UID of the agent's Deployment.
  public var uid: String
  /// The Deployment's `metadata.generation` when the agent was deployed or read: another number means that someone has
  /// changed the Deployment since. Nil if the API server gave none.
  public var generation: Int?
  /// The Deployment's `spec.template`: the token goes only to a Pod that is made of it.
  public var template: JSONValue
  /// The UID of the agent's Secret. It is immutable: one of that UID has the content that it was made with, whoever
  /// writes to its metadata. Nil if there is none, or its content can be changed.
  public var secret: String?
  /// The UID of the ConfigMap with the agent's program, which is immutable as well; nil if there is none.
  public var program: String?

  /// The name of its Secret and ConfigMap.
  var objects: String { AgentNames.objects(in: template, of: workload) }

  public init(
    namespace: String, workload: String, controlPort: UInt16, token: [UInt8], uid: String, generation: Int? = nil,
    template: JSONValue, secret: String? = nil, program: String? = nil
  ) {
    self.namespace = namespace
    self.workload = workload
    self.controlPort = controlPort
    self.token = token
    self.uid = uid
    self.generation = generation
    self.template = template
    self.secret = secret
    self.program = program
  }
}

/// Deploys agents into a cluster and removes them.
public struct AgentDeployer: Sendable {
  /// The agent in whose place a new one is made.
  public enum Former: Sendable {
    /// Whichever the workload has now.
    case any
    /// This one: another one that was made meanwhile stays.
    case agent(uid: String)
    /// There is none: one that was made meanwhile stays.
    case nothing
  }

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

  /// Creates the agent's objects, and replaces an earlier agent of the same name. Its Pod keeps the namespace's limit
  /// ranges and Pod Security standard.
  /// - Parameters:
  ///   - selector: the Service's own, by which the agent finds the origin, the workload's own Pods; nil if the agent
  ///     answers for no Service.
  ///   - former: the agent that may be replaced.
  ///   - annotations: further ones for the Deployment.
  /// - Throws: `.conflict` or `.notFound` if someone else has made or replaced the agent meanwhile, among others.
  public func deploy(
    template: AgentPodTemplate, from podTemplate: JSONValue, selector: [String: String]?,
    replacing former: Former = .any,
    annotations: [String: String] = [:]
  ) async throws(ControlError) -> AgentIdentity {
    let removal = AgentRemoval(client: client, namespace: namespace, workload: manifests.workload)
    let found = try await removal.find()
    let uid: String? = if case .agent(let uid) = former { uid } else { nil }
    if case .nothing = former, let found, !found.isBeingDeleted, removal.isAgent(found, uid: nil) {
      throw ControlError(
        .conflict, "someone else has just made the agent of \(manifests.workload)", remedy: "Try again.")
    }
    if let found, !removal.isAgent(found, uid: uid) {
      let whose = found.annotations[AgentNames.workloadAnnotation].map { "belongs to workload \($0.prefix(253))" }
      throw ControlError(
        .conflict,
        "Deployment \(namespace)/\(name), as the agent of \(manifests.workload) would be called, "
          + (whose ?? "is not devtunnel's"),
        remedy: "It is left alone. Remove or rename it, or end its intercept, then try again.")
    }
    _ = try await removal.remove(found, uid: uid)
    let token = Self.randomToken()
    let objectsName = AgentNames.newObjects(manifests.workload)
    let pod = await fitted(template, objects: objectsName).make(from: podTemplate)
    var deployment = manifests.deployment(template: pod, replicas: 0)
    deployment.annotations.merge(annotations) { $1 }
    let made = try await attempt("creating Deployment \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.create(deployment, as: .deployments, namespace: namespace)
    }
    guard let owner = OwnerReference(to: made) else {
      throw ControlError(.failed, "the API server's answer to a new Deployment \(namespace)/\(name) has no uid")
    }
    let created: [JSONValue]
    do throws(ControlError) {
      var agents: [Architecture: [UInt8]] = [:]
      agents[template.architecture] = try installation.agent(template.architecture)
      var objects: [(JSONValue, APIResource)] = [
        (manifests.configMap(objectsName, agents: agents, owner: owner), .configMaps),
        (manifests.secret(objectsName, token: token.map(Self.hexadecimal).joined(), owner: owner), .secrets),
      ]
      if let selector {
        objects.append((manifests.originService(selector: selector, owner: owner), .services))
        objects.append((manifests.agentsService(owner: owner), .services))
      }
      created = try await createAll(objects)
      for object in created where ["ConfigMap", "Secret"].contains(object.kind) && object.fixedUID == nil {
        throw ControlError(
          .refused, "the agent's \(object.kind ?? "object") \(object.place) was not made immutable",
          remedy: "An admission webhook changes it, or Kubernetes is older than 1.21.")
      }
      _ = try await attempt("starting Deployment \(namespace)/\(name)") { () async throws(KubeError) in
        try await client.patch(.deployments, name, namespace: namespace, type: .merge, ["spec": ["replicas": 1]])
      }
    } catch {
      try? await remove(uid: owner.uid)
      throw error
    }
    // Starting the Deployment was one change, so the generation is higher by one; any other change makes it higher
    // still. The template is the API server's answer, since admission may have changed it.
    return AgentIdentity(
      namespace: namespace, workload: manifests.workload, controlPort: template.controlPort, token: token,
      uid: owner.uid,
      generation: made.generation?.addingSaturating(1), template: made[path: "spec", "template"] ?? pod,
      secret: created.first { $0.kind == "Secret" }?.fixedUID,
      program: created.first { $0.kind == "ConfigMap" }?.fixedUID)
  }

  /// Returns the template with the namespace's limit ranges and Pod Security standard, which hold for every Pod.
  /// - Parameter objects: the name of the agent's Secret and ConfigMap.
  private func fitted(_ template: AgentPodTemplate, objects: String) async -> AgentPodTemplate {
    var template = template
    template.objects = objects
    template.limitRanges = await LimitRanges.read(client: client, namespace: namespace)
    template.isRestricted = await PodSecurity.enforced(in: namespace, client: client) == .restricted
    return template
  }

  /// Removes the agent of this name, as `AgentRemoval` does.
  public func remove(uid: String? = nil) async throws(ControlError) {
    try await AgentRemoval(client: client, namespace: namespace, workload: manifests.workload).remove(uid: uid)
  }

  /// Deletes the agent of this name if it belongs to `manifests.holder`; its name alone proves nothing.
  /// - Parameter inJournal: true if our journal names the agent; without an installation's id it is ours only then.
  /// - Returns: the holder of an agent that is not ours and stays; nil if no agent exists any more.
  public func removeOwn(inJournal: Bool) async throws(ControlError) -> Holder? {
    let found = try await attempt("looking for Deployment \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(.deployments, name, namespace: namespace)
    }
    guard let found else { return nil }
    let owner = Holder(of: found) ?? Holder(name: "an unknown holder", installation: nil)
    guard owner.isSame(as: manifests.holder, inJournal: inJournal) else { return owner }
    try await remove(uid: found.uid)
    return nil
  }

  /// Returns the objects that belong to a workload's agent beside its Deployment, each with its name.
  static func owned(_ workload: String, by deployment: JSONValue) -> [(APIResource, String)] {
    let objects = AgentNames.objects(in: deployment[path: "spec", "template"] ?? [:], of: workload)
    return [
      (.configMaps, objects), (.secrets, objects),
      (.services, AgentNames.originService(workload)), (.services, AgentNames.agentsService(workload)),
    ]
  }

  /// Returns the agent that exists already, with its token; nil if none exists, if it is being deleted, or if its
  /// objects lack a usable token or port.
  public func existing() async throws(ControlError) -> AgentIdentity? {
    guard let deployment = try await read(.deployments, name) else { return nil }
    return try await existing(deployment)
  }

  /// Returns the agent of a Deployment that the caller has read; nil as above.
  public func existing(_ deployment: JSONValue) async throws(ControlError) -> AgentIdentity? {
    guard !deployment.isBeingDeleted, AgentNames.isOf(deployment, manifests.workload),
      let port = Self.controlPort(of: deployment), let uid = deployment.uid
    else { return nil }
    let template = deployment[path: "spec", "template"] ?? [:]
    let objects = AgentNames.objects(in: template, of: manifests.workload)
    let secret = try await read(.secrets, objects)
    guard let encoded = secret?[path: "data", "token"]?.stringValue, let token = Self.token(base64: encoded) else {
      return nil
    }
    let program = try await attempt("reading ConfigMap \(namespace)/\(objects)") { () async throws(KubeError) in
      try await client.findMetadata(.configMaps, objects, namespace: namespace)
    }
    return AgentIdentity(
      namespace: namespace, workload: manifests.workload, controlPort: port, token: token, uid: uid,
      generation: deployment.generation, template: template,
      secret: secret?.fixedUID, program: program?.uid)
  }

  /// Checks that the running agent is the one that `deploy` would make now. Anyone who may edit the namespace can
  /// replace the agent, and intercepted traffic would go through the replacement.
  /// - Parameters:
  ///   - running: the result of `existing`.
  ///   - podTemplate: `spec.template` of the workload.
  ///   - selector: of the Service, if the agent is in use: it may then be one that was made before a rollout, as
  ///     `TemplateMatch.serves` says.
  public func stands(
    _ running: AgentIdentity, as template: AgentPodTemplate, from podTemplate: JSONValue,
    inUseFor selector: [String: String]? = nil
  ) async throws(ControlError) -> Bool {
    let made = await fitted(template, objects: running.objects).make(from: podTemplate)
    let isFit =
      if let selector { TemplateMatch.serves(running.template, as: made, selector: selector) } else {
        TemplateMatch.isSame(running.template, as: made)
      }
    guard isFit else { return false }
    return try await hasOwnProgram(running)
  }

  /// Checks that a ConfigMap holds this installation's program, and nothing else.
  private func isOwnProgram(_ configMap: JSONValue?) -> Bool {
    let programs = configMap?["binaryData"]?.objectValue ?? [:]
    guard !programs.isEmpty, configMap?["data"]?.objectValue?.isEmpty ?? true else { return false }
    return programs.allSatisfy { key, value in
      guard let architecture = Architecture.allCases.first(where: { key == "agent-\($0.rawValue)" }),
        let text = value.stringValue,
        let bytes = [UInt8](base64: text), let own = try? installation.agent(architecture)
      else { return false }
      return bytes == own
    }
  }

  private func read(_ resource: APIResource, _ name: String) async throws(ControlError) -> JSONValue? {
    try await attempt("reading \(resource.kind) \(namespace)/\(name)") { () async throws(KubeError) in
      try await client.find(resource, name, namespace: namespace)
    }
  }

  /// Checks that the agent's ConfigMap has not changed since it was read, and holds this installation's program.
  func hasOwnProgram(_ running: AgentIdentity) async throws(ControlError) -> Bool {
    let configMap = try await read(.configMaps, running.objects)
    guard let uid = configMap?.fixedUID, uid == running.program else { return false }
    return isOwnProgram(configMap)
  }

  /// Returns the argument of `--control` in the agent's command; nil if it is no port.
  static func controlPort(of deployment: JSONValue) -> UInt16? {
    let command =
      deployment[path: "spec", "template", "spec", "containers"]?.elements.first?["command"]?.elements.compactMap(
        \.stringValue) ?? []
    guard let index = command.firstIndex(of: "--control"), index + 1 < command.count else { return nil }
    return UInt16(command[index + 1]).flatMap { $0 > 0 ? $0 : nil }
  }

  // MARK: Tokens

  private static func randomToken() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  private static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  /// Decodes a Secret's value, the base64 of exactly 64 hexadecimal digits, to a token of 32 bytes; nil for anything
  /// else.
  static func token(base64: String) -> [UInt8]? {
    guard base64.utf8.count <= 128, let text = [UInt8](base64: base64), text.count == 64 else { return nil }
    let digits = text.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }.map { UInt8(truncatingIfNeeded: $0) }
    guard digits.count == 64 else { return nil }
    return stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}

extension JSONValue {
  /// The UID of a ConfigMap or Secret, if it is immutable: the API server then refuses other content, and the end of
  /// immutability (Kubernetes API, `immutable`).
  var fixedUID: String? { self["immutable"] == true ? uid : nil }
}
