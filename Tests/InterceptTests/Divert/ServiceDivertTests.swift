import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Synchronization
import Testing

@testable import Intercept

/// One Service, which someone else writes to between our reading and our writing.
private final class ServiceStore: Sendable {
  private let state: Mutex<(service: JSONValue, change: (@Sendable (inout JSONValue) -> Void)?)>

  init(
    _ selector: [String: String], annotations: [String: String]? = nil,
    change: (@Sendable (inout JSONValue) -> Void)? = nil
  ) {
    var service: JSONValue = [
      "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "namespace": "shop", "resourceVersion": "1"],
      "spec": ["selector": JSONValue(selector)],
    ]
    if let annotations { service.annotations = annotations }
    state = Mutex((service, change))
  }

  var service: JSONValue { state.withLock { $0.service } }
  var selector: [String: String] { service[path: "spec", "selector"]?.stringMap ?? [:] }

  func answer(_ request: FakeAPIServer.Request) -> (status: Int, body: JSONValue) {
    state.withLock { state in
      guard request.method == "PATCH", let patch = request.body else {
        let read = state.service
        if let change = state.change {
          change(&state.service)
          Self.advance(&state.service)
          state.change = nil
        }
        return (200, read)
      }
      let version = patch[path: "metadata", "resourceVersion"]?.stringValue
      guard version == nil || version == state.service.resourceVersion else {
        return (409, ["kind": "Status", "reason": "Conflict", "code": 409, "message": "the object has been modified"])
      }
      // A list is a JSON patch, an object a merge patch.
      guard case .array = patch else {
        state.service = state.service.applying(mergePatch: patch)
        Self.advance(&state.service)
        return (200, state.service)
      }
      guard let patched = try? state.service.applying(jsonPatch: patch) else {
        return (422, ["kind": "Status", "reason": "Invalid", "code": 422, "message": "test failed"])
      }
      state.service = patched
      Self.advance(&state.service)
      return (200, state.service)
    }
  }

  private static func advance(_ service: inout JSONValue) {
    service[path: "metadata", "resourceVersion"] = JSONValue("\((Int(service.resourceVersion ?? "") ?? 0) + 1)")
  }
}

struct ServiceDivertTests {
  private static func service(_ selector: JSONValue) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "namespace": "shop", "resourceVersion": "1"],
      "spec": ["selector": selector],
    ]
  }

  private static func refusal(_ code: Int, _ message: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "Invalid", "code": JSONValue(code),
      "message": JSONValue(message),
    ]
  }

  private func divert(_ client: KubeClient) -> ServiceDivert {
    ServiceDivert(client: client, namespace: "shop", service: "web", workload: "web", selector: ["app": "web"])
  }

  private func with(_ store: ServiceStore, _ body: (KubeClient) async throws -> Void) async throws {
    let server = FakeAPIServer { store.answer($0) }
    defer { server.stop() }
    try await body(try server.client())
  }

  @Test("A policy's refusal is shown, and is no change by someone else", arguments: [409, 422])
  func policy(code: Int) async throws {
    let server = FakeAPIServer { request in
      request.method == "PATCH"
        ? (code, Self.refusal(code, "ValidatingAdmissionPolicy 'selectors' denied request"))
        : (200, Self.service(["app": "web"]))
    }
    defer { server.stop() }
    let client = try server.client()
    let error = await #expect(throws: ControlError.self) { try await divert(client).divert(holder: "alice@laptop") }
    #expect(error?.message.contains("ValidatingAdmissionPolicy 'selectors' denied request") == true)
  }

  @Test("The same while restoring, after one try")
  func policyAgainstRestoring() async throws {
    let server = FakeAPIServer { request in
      request.method == "PATCH"
        ? (422, Self.refusal(422, "denied")) : (200, Self.service(["app": "web", "devtunnel.dev/agent": "web"]))
    }
    defer { server.stop() }
    let client = try server.client()
    let error = await #expect(throws: ControlError.self) {
      try await ServiceDivert.restore(client: client, namespace: "shop", service: "web")
    }
    #expect(error?.message.contains("denied") == true)
    #expect(server.requests.filter { $0.method == "PATCH" }.count == 1)
  }

  @Test("A selector that someone changes between reading and writing is not diverted")
  func changed() async throws {
    let store = ServiceStore(["app": "web"]) { $0[path: "spec", "selector"] = ["app": "web-v2"] }
    try await with(store) { client in
      let error = await #expect(throws: ControlError.self) { try await divert(client).divert(holder: "alice@laptop") }
      #expect(error?.code == .conflict)
    }
    #expect(store.selector == ["app": "web-v2"])
  }

  @Test("Restoring keeps a selector that was changed meanwhile")
  func restoresWhatOthersChanged() async throws {
    let store = ServiceStore(["app": "web", "devtunnel.dev/agent": "web"]) {
      $0[path: "spec", "selector", "app"] = "web-v2"
    }
    try await with(store) { client in
      let isChanged = try await ServiceDivert.restore(client: client, namespace: "shop", service: "web")
      #expect(isChanged)
    }
    #expect(store.selector == ["app": "web-v2"])
  }

  @Test(
    "An annotation that someone writes between reading and writing stays, and one that goes is gone",
    arguments: [nil, ["theirs": "old", "going": "1"]])
  func annotations(of others: [String: String]?) async throws {
    let change: @Sendable (inout JSONValue) -> Void = { service in
      service.annotations["theirs"] = "new"
      service.annotations["going"] = nil
    }
    let diverting = ServiceStore(["app": "web"], annotations: others, change: change)
    try await with(diverting) { try await divert($0).divert(holder: "alice@laptop") }
    #expect(
      diverting.service.annotations == [
        "theirs": "new", "devtunnel.dev/holder": "alice@laptop", "devtunnel.dev/original-selector": #"{"app":"web"}"#,
      ])
    #expect(diverting.selector == ["app": "web", "devtunnel.dev/agent": "web"])

    var before = others ?? [:]
    before["devtunnel.dev/original-selector"] = #"{"app":"web"}"#
    let restoring = ServiceStore(["app": "web", "devtunnel.dev/agent": "web"], annotations: before, change: change)
    try await with(restoring) { client in
      let isChanged = try await ServiceDivert.restore(client: client, namespace: "shop", service: "web")
      #expect(isChanged)
    }
    #expect(restoring.service.annotations == ["theirs": "new"])
    #expect(restoring.selector == ["app": "web"])
  }
}
