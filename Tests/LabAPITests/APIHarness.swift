import KubeObjects
import LabStore
import Logging
import NIOHTTP1

@testable import LabAPI

/// An API server without its connections: requests go straight to what answers them.
struct APIHarness: Sendable {
  let store: ObjectStore
  let server: APIServer

  init(historyCapacity: Int = 1000) async throws {
    store = ObjectStore(historyCapacity: historyCapacity)
    let addresses = try ServiceAddresses(cidr: "10.98.0.0/24")
    server = APIServer(
      store: store, node: FakeNode(store: store), addresses: addresses, authenticator: Authenticator(tokens: [:]),
      logger: Logger(label: "test"))
    try await Bootstrap(store: store, addresses: addresses, configuration: LabConfiguration(stateDirectory: "")).run(
      port: 6443)
  }

  @discardableResult
  func send(
    _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, type: String = "application/json",
    accept: String = "application/json",
    user: UserInfo = UserInfo(name: "tester", groups: ["system:masters", "system:authenticated"])
  ) async throws -> (code: Int, object: JSONValue) {
    var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
    head.headers.add(name: "content-type", value: type)
    head.headers.add(name: "accept", value: accept)
    head.headers.add(name: "user-agent", value: "tests/1.0")
    let response = await server.respond(to: APIRequest(head: head, body: body?.serialized() ?? [], user: user))
    guard case .bytes(let bytes) = response.body else { return (response.code, .null) }
    return (response.code, try JSONValue(parsing: bytes))
  }
}

/// Objects that tests need again and again.
enum Sample {
  static let pods = "/api/v1/namespaces/default/pods"
  static let services = "/api/v1/namespaces/default/services"
  static let deployments = "/apis/apps/v1/namespaces/default/deployments"

  static func pod(
    _ name: String, labels: [String: String] = ["app": "web"],
    ports: JSONValue = [["containerPort": 80, "name": "http"]]
  ) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["name": .string(name), "namespace": "default", "labels": JSONValue(labels)],
      "spec": ["containers": [["name": "main", "image": "web:1", "ports": ports]]],
    ]
  }

  static func service(_ name: String, selector: [String: String] = ["app": "web"], targetPort: JSONValue = "http")
    -> JSONValue
  {
    [
      "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"],
      "spec": ["selector": JSONValue(selector), "ports": [["port": 80, "targetPort": targetPort]]],
    ]
  }

  static func deployment(
    _ name: String, replicas: Int = 2, image: String = "web:1", labels: [String: String] = ["app": "web"]
  ) -> JSONValue {
    [
      "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name), "namespace": "default"],
      "spec": [
        "replicas": JSONValue(replicas), "selector": ["matchLabels": ["app": "web"]],
        "template": [
          "metadata": ["labels": JSONValue(labels)],
          "spec": [
            "containers": [
              ["name": "main", "image": .string(image), "ports": [["containerPort": 80, "name": "http"]]]
            ]
          ],
        ],
      ],
    ]
  }
}

/// Waits until a condition holds, at most some seconds.
/// - Returns: whether it came to hold.
func eventually(within seconds: Int = 30, _ condition: () async throws -> Bool) async throws -> Bool {
  for _ in 0..<(seconds * 100) {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return try await condition()
}
