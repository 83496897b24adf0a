import Foundation
import KubeAPI
import KubeObjects
import Synchronization

@testable import Agents
@testable import Intercept

/// The objects of a cluster behind a `FakeAPIServer`: they can be read, watched and written, as far as that is allowed.
/// Its node runs the agent, ready until it is retired.
final class FakeCluster: Sendable {
  private struct State {
    /// By the end of their path, such as `services/web`.
    var objects: [String: JSONValue] = [:]
    var version = 1
    var forbidden: Set<String> = []
    var isAway = false
    var isRetired = false
    /// Other people's changes, each right before the next request of its kind, such as `patch deployments`.
    var before: [String: @Sendable (FakeCluster) -> Void] = [:]
  }

  private let state = Mutex(State())

  /// With Deployment `web` and its Service.
  init() {
    put(
      "services", "web",
      ["spec": ["selector": ["app": "web"], "ports": [["name": "http", "port": 80, "targetPort": 8080]]]])
    put(
      "deployments", "web",
      [
        "spec": [
          "replicas": 1, "selector": ["matchLabels": ["app": "web"]],
          "template": [
            "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "web", "image": "web:1"]]],
          ],
        ]
      ])
  }

  // MARK: Other people

  subscript(kind: String, name: String) -> JSONValue? { state.withLock { $0.objects["\(kind)/\(name)"] } }

  func names(_ kind: String) -> [String] {
    state.withLock { $0.objects.filter { $0.key.hasPrefix(kind + "/") }.compactMap(\.value.name).sorted() }
  }

  /// Puts an object in place, with a UID of its own unless it is there already.
  func put(_ kind: String, _ name: String, _ object: JSONValue) {
    state.withLock { state in
      var object = object
      object.name = name
      object.namespace = "shop"
      let uid = state.objects["\(kind)/\(name)"]?.uid ?? UUID().uuidString
      object[path: "metadata", "uid"] = object.uid.map { JSONValue($0) } ?? JSONValue(uid)
      Self.commit("\(kind)/\(name)", object, &state)
    }
  }

  func change(_ kind: String, _ name: String, _ edit: (inout JSONValue) -> Void) {
    state.withLock { state in
      guard var object = state.objects["\(kind)/\(name)"] else { return }
      edit(&object)
      Self.commit("\(kind)/\(name)", object, &state)
    }
  }

  func delete(_ kind: String, _ name: String) {
    state.withLock { state in
      state.objects["\(kind)/\(name)"] = nil
      state.version += 1
    }
  }

  /// - Parameter what: such as `delete deployments`; empty allows everything.
  func forbid(_ what: String...) { state.withLock { $0.forbidden = Set(what) } }
  func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
  /// The agent fails its readiness.
  func retire() {
    state.withLock { state in
      state.isRetired = true
      state.version += 1
    }
  }
  func before(_ what: String, _ change: @escaping @Sendable (FakeCluster) -> Void) {
    state.withLock { $0.before[what] = change }
  }

  var claims: ClaimsText { ClaimsText(self["deployments", "devtunnel-web"]) }

  /// Writes the claims on the agent as another holder does.
  func claim(_ text: String) {
    change("deployments", "devtunnel-web") { $0.annotations[ClaimsRecord.annotation] = text }
  }

  // MARK: The server

  private static func commit(_ key: String, _ object: JSONValue, _ state: inout State) {
    state.version += 1
    var object = object
    object[path: "metadata", "resourceVersion"] = JSONValue(String(state.version))
    state.objects[key] = object
  }

  private static func failure(_ code: Int, _ reason: String, _ message: String) -> (status: Int, body: JSONValue) {
    (code, ["kind": "Status", "reason": JSONValue(reason), "code": JSONValue(code), "message": JSONValue(message)])
  }

  func answer(_ request: FakeAPIServer.Request) -> (status: Int, body: JSONValue) {
    guard !state.withLock({ $0.isAway }) else { return Self.failure(503, "ServiceUnavailable", "away") }
    let parts = request.path.split(separator: "/").map(String.init)
    // …/COLLECTION[/NAME] after the group's version, and perhaps a namespace.
    var rest = Array(parts.dropFirst(parts.first == "api" ? 2 : 3))
    if rest.first == "namespaces", rest.count > 2 { rest.removeFirst(2) }
    let (kind, name) = (rest.first ?? "", rest.count > 1 ? rest[1] : nil)
    if kind == "selfsubjectaccessreviews" { return review(request.body ?? [:]) }
    if request.query["watch"] != nil { return watch(request.query["resourceVersion"] ?? "") }
    let verbs = ["POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"]
    let verb = verbs[request.method] ?? (name == nil ? "list" : "get")
    let change = state.withLock { $0.before.removeValue(forKey: "\(verb) \(kind)") }
    change?(self)
    return state.withLock { state in
      if state.forbidden.contains("\(verb) \(kind)") {
        return Self.failure(
          403, "Forbidden", "\(kind) is forbidden: User \"alice\" cannot \(verb) resource \"\(kind)\"")
      }
      return Self.serve(verb, kind, name, request, &state)
    }
  }

  private static func serve(
    _ verb: String, _ kind: String, _ name: String?, _ request: FakeAPIServer.Request, _ state: inout State
  ) -> (status: Int, body: JSONValue) {
    let key = "\(kind)/\(name ?? request.body?.name ?? "")"
    let present = state.objects[key]
    switch verb {
    case "list":
      let items =
        kind == "endpointslices"
        ? slices(state)
        : state.objects.filter { $0.key.hasPrefix(kind + "/") }
          .sorted { $0.key < $1.key }.map(\.value)
      let labels = request.query["labelSelector"].flatMap { try? LabelSelector(parsing: $0) }
      let fields = request.query["fieldSelector"]
      let chosen = items.filter { object in
        labels?.matches(object.labels) ?? true && fields.map { $0 == "metadata.name=\(object.name ?? "")" } ?? true
      }
      return (200, ["metadata": ["resourceVersion": JSONValue(String(state.version))], "items": .array(chosen)])
    case "create":
      guard present == nil, var object = request.body else { return failure(409, "AlreadyExists", "\(key) exists") }
      object[path: "metadata", "uid"] = JSONValue(UUID().uuidString)
      object[path: "metadata", "generation"] = 1
      commit(key, object, &state)
      return (201, state.objects[key] ?? [:])
    default: break
    }
    guard let present else { return failure(404, "NotFound", "\(key) not found") }
    let conditions = verb == "delete" ? request.body?["preconditions"] : request.body?["metadata"]
    for member in ["uid", "resourceVersion"] {
      let wanted = conditions?[member]?.stringValue ?? ""
      guard wanted.isEmpty || wanted == present[path: "metadata", member]?.stringValue else {
        return failure(409, "Conflict", "\(key) has changed")
      }
    }
    switch verb {
    case "patch": commit(key, present.applying(mergePatch: request.body ?? [:]), &state)
    case "delete":
      state.objects[key] = nil
      state.version += 1
      return (200, present)
    default: break
    }
    return (200, state.objects[key] ?? [:])
  }

  /// The Service's endpoints: its selector's Pods, of which the agent's are ready until it is retired.
  private static func slices(_ state: State) -> [JSONValue] {
    state.objects.filter { $0.key.hasPrefix("services/") }.values.compactMap { service in
      guard let name = service.name, !name.hasPrefix("devtunnel-") else { return nil }
      let isDiverted = service[path: "spec", "selector"]?.stringMap[AgentNames.agentLabel] != nil
      let hasAgent = state.objects["deployments/devtunnel-web"] != nil && !state.isRetired
      let pods = (isDiverted ? [] : ["web-1"]) + (hasAgent ? ["devtunnel-web-1"] : [])
      var slice: JSONValue = [
        "endpoints": .array(pods.map { ["targetRef": ["kind": "Pod", "name": JSONValue($0)]] }),
        "ports": [["port": 8080]],
      ]
      slice.name = name + "-slice"
      slice[path: "metadata", "resourceVersion"] = JSONValue(String(state.version))
      slice.labels = ["kubernetes.io/service-name": name]
      return slice
    }
  }

  /// Waits for any change: the client lists again then.
  private func watch(_ version: String) -> (status: Int, body: JSONValue) {
    for _ in 0..<100 where state.withLock({ String($0.version) }) == version {
      Thread.sleep(forTimeInterval: 0.02)
    }
    return Self.failure(410, "Expired", "too old")
  }

  private func review(_ body: JSONValue) -> (status: Int, body: JSONValue) {
    let asked = body[path: "spec", "resourceAttributes"]
    let permission = "\(asked?["verb"]?.stringValue ?? "") \(asked?["resource"]?.stringValue ?? "")"
    return (201, ["status": ["allowed": JSONValue.bool(state.withLock { !$0.forbidden.contains(permission) })]])
  }
}

/// The claims that an agent's Deployment has.
struct ClaimsText {
  /// Holders by port.
  var holders: [UInt16: String] = [:]
  var closer: String?

  init(_ deployment: JSONValue?) {
    let claims = deployment.flatMap(ClaimsRecord.read)
    holders = claims?.ports.mapValues(\.holder) ?? [:]
    closer = claims?.closer
  }
}

/// Runs a test with a fake cluster and a client of it.
func withFakeCluster(_ body: (FakeCluster, KubeClient) async throws -> Void) async throws {
  let cluster = FakeCluster()
  let server = FakeAPIServer { cluster.answer($0) }
  defer { server.stop() }
  try await body(cluster, try server.client())
}
