import Foundation
import HTTPTestSupport
import KubeAPI
import KubeObjects
import Testing

@testable import Agents

/// An agent's objects in a cluster may hold anything.
@Suite(.timeLimit(.minutes(1))) struct StandingAgentTests {
  private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
  private static let digits = String(repeating: "0aF9", count: 16)
  static let token = base64(digits)

  @Test("Tokens: 64 hexadecimal digits, and nothing else")
  func tokens() {
    #expect(
      AgentDeployer.token(base64: Self.base64(Self.digits))
        == Array(repeating: [0x0a, 0xf9], count: 16).flatMap(\.self))
    let garbage = [
      "", "!", Self.base64(""), Self.base64("ab"), Self.base64(Self.digits + "00"),
      Self.base64(String(Self.digits.dropLast())),
      Self.base64(String(Self.digits.dropLast()) + "g"), Self.base64(String(repeating: "+f", count: 32)),
      Self.base64(String(repeating: "-1", count: 32)),
      Self.base64(String(repeating: "é", count: 32)), String(repeating: "A", count: 1 << 20), Self.digits,
    ]
    for text in garbage { #expect(AgentDeployer.token(base64: text) == nil, "\(text.prefix(100))") }
  }

  @Test(
    "A Deployment and a Secret with anything at all in them are no agent, and nothing else happens",
    arguments: [
      ([:], [:]), (["spec": 7], ["data": ["token": 7]]),
      (["spec": ["template": ["spec": ["containers": [["command": ["--control"]]]]]]], [:]),
      (["spec": ["template": ["spec": ["containers": [["command": ["--control", "70000"]]]]]]], [:]),
      (["spec": ["template": ["spec": ["containers": [["command": ["--control", "0"]]]]]]], [:]),
      (["spec": ["template": ["spec": ["containers": [["command": ["--control", "-1"]]]]]]], [:]),
      (["spec": ["template": ["spec": ["containers": "x"]]]], "x"), ("x", "x"), ([], []), (.null, .null),
      (["spec": ["template": ["spec": ["containers": [["command": ["--control", "17717"]]]]]]], ["data": "x"]),
      (
        ["spec": ["template": ["spec": ["containers": [["command": ["--control", "17717"]]]]]]], ["data": ["token": ""]]
      ),
    ] as [(JSONValue, JSONValue)])
  func garbage(deployment: JSONValue, secret: JSONValue) async throws {
    try await withServer { request, connection in
      connection.reply(request.path.contains("/secrets/") ? secret : deployment)
    } _: { client, _ in
      let deployer = AgentDeployer(
        client: client, installation: Installation(share: "/nowhere"),
        manifests: AgentManifests(workload: "user", namespace: "shop", holder: "alice@laptop"))
      let identity = try await deployer.existing()
      #expect(identity == nil)
      let template = AgentPodTemplate(
        workload: "user", containerName: "user", listen: [8080], controlPort: 17_717, architecture: .amd64)
      var standing = FakeNamespace.identity(uid: "d")
      standing.template = deployment[path: "spec", "template"] ?? [:]
      let isSame = try await deployer.stands(standing, as: template, from: UserWorkload.template)
      let isOurs = try await deployer.hasOwnProgram(standing)
      #expect(!isSame && !isOurs)
    }
  }
}
