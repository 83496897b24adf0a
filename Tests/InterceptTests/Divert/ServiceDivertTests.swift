import ControlAPI
import KubeAPI
import KubeObjects
import Synchronization
import Testing

@testable import Intercept

struct ServiceDivertTests {
  private static func service(_ selector: JSONValue) -> JSONValue {
    ["apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "namespace": "shop"], "spec": ["selector": selector]]
  }

  private static func refusal(_ code: Int, _ message: String) -> JSONValue {
    ["apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "Invalid", "code": JSONValue(code), "message": JSONValue(message)]
  }

  private func divert(_ client: KubeClient) -> ServiceDivert {
    ServiceDivert(client: client, namespace: "shop", service: "web", workload: "web", selector: ["app": "web"])
  }

  @Test("A policy's refusal is shown, and is no change by somebody else", arguments: [409, 422])
  func policy(code: Int) async throws {
    let server = FakeAPIServer { request in
      request.method == "PATCH" ? (code, Self.refusal(code, "ValidatingAdmissionPolicy 'selectors' denied request")) : (200, Self.service(["app": "web"]))
    }
    defer { server.stop() }
    let client = try server.client()
    let error = await #expect(throws: ControlError.self) { try await divert(client).divert(holder: "alice@laptop") }
    #expect(error?.message.contains("ValidatingAdmissionPolicy 'selectors' denied request") == true)
    #expect(error?.message.contains("somebody else") == false)
  }

  @Test("The same while restoring, after one try")
  func policyAgainstRestoring() async throws {
    let server = FakeAPIServer { request in
      request.method == "PATCH" ? (422, Self.refusal(422, "denied")) : (200, Self.service(["app": "web", "devtunnel.dev/agent": "web"]))
    }
    defer { server.stop() }
    let client = try server.client()
    let error = await #expect(throws: ControlError.self) { try await ServiceDivert.restore(client: client, namespace: "shop", service: "web") }
    #expect(error?.message.contains("denied") == true)
    #expect(server.requests.filter { $0.method == "PATCH" }.count == 1)
  }

  @Test("A selector that differs when it is looked at again was changed by somebody")
  func changed() async throws {
    let isPatched = Mutex(false)
    let server = FakeAPIServer { request in
      if request.method == "PATCH" {
        isPatched.withLock { $0 = true }
        return (422, Self.refusal(422, "the server rejected our request due to an error in our request"))
      }
      return (200, Self.service(isPatched.withLock { $0 } ? ["app": "web-v2"] : ["app": "web"]))
    }
    defer { server.stop() }
    let client = try server.client()
    let error = await #expect(throws: ControlError.self) { try await divert(client).divert(holder: "alice@laptop") }
    #expect(error?.code == .conflict)
    #expect(error?.message.contains("somebody else") == true)
  }

  @Test("Restoring starts over from a selector that was changed meanwhile")
  func restoresWhatOthersChanged() async throws {
    let patches = Mutex(0)
    let server = FakeAPIServer { request in
      if request.method == "PATCH" { return patches.withLock { $0 += 1; return $0 } == 1 ? (422, Self.refusal(422, "test failed")) : (200, Self.service([:])) }
      return (200, Self.service(["app": patches.withLock { $0 } == 0 ? "web" : "web-v2", "devtunnel.dev/agent": "web"]))
    }
    defer { server.stop() }
    let client = try server.client()
    #expect(try await ServiceDivert.restore(client: client, namespace: "shop", service: "web"))
    let patch = try #require(server.requests.last { $0.method == "PATCH" }?.body?.elements)
    #expect(patch.first { $0["op"]?.stringValue == "replace" }?["value"]?.stringMap == ["app": "web-v2"])
  }
}
