import HTTPTestSupport
import KubeObjects
import Testing

@testable import Workloads

struct PodSecurityTests {
  /// The container's securityContext after.
  private func restricted(container: JSONValue?, pod: JSONValue? = nil, isOwnImage: Bool = true) -> JSONValue? {
    var spec: JSONValue = ["containers": [["name": "agent"]]]
    spec["securityContext"] = pod
    var only: JSONValue = ["name": "agent"]
    only["securityContext"] = container
    spec["containers"] = [only]
    let result = PodSecurity.restrict(spec, isOwnImage: isOwnImage)
    #expect(result["securityContext"] == pod, "the Pod's own stays")
    return result["containers"]?[0]?["securityContext"]
  }

  private static let all: JSONValue = [
    "allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]], "seccompProfile": ["type": "RuntimeDefault"],
    "runAsNonRoot": true,
    "runAsUser": 65534,
  ]

  @Test("Everything, where nothing is said")
  func nothing() { #expect(restricted(container: nil) == Self.all) }

  @Test("Nothing, where all is said")
  func everything() {
    let said: JSONValue = [
      "allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"], "add": ["NET_BIND_SERVICE"]],
      "seccompProfile": ["type": "Localhost"],
      "runAsNonRoot": true, "runAsUser": 1000,
    ]
    #expect(restricted(container: said) == said)
  }

  @Test("The Pod's setting counts for the container")
  func pod() {
    #expect(
      restricted(
        container: nil, pod: ["runAsNonRoot": true, "runAsUser": 7, "seccompProfile": ["type": "RuntimeDefault"]])
        == ["allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]]])
  }

  @Test("The image's own user where it runs as non-root, but not another image's")
  func user() {
    #expect(restricted(container: ["runAsNonRoot": true])?["runAsUser"] == nil)
    #expect(restricted(container: ["runAsNonRoot": true], isOwnImage: false)?["runAsUser"] == 65534)
  }

  @Test("Does not overrule the workload's own settings")
  func contradiction() {
    let context = restricted(container: ["allowPrivilegeEscalation": true, "runAsNonRoot": false, "runAsUser": 0])
    #expect(
      context?["allowPrivilegeEscalation"] == true && context?["runAsNonRoot"] == false && context?["runAsUser"] == 0)
  }

  private static let privileges: [JSONValue] = [["privileged": true], ["capabilities": ["add": ["CAP_SYS_ADMIN"]]]]

  @Test("Nothing that the API server refuses beside what the workload says", arguments: privileges)
  func privileged(said: JSONValue) {
    #expect(restricted(container: said)?["allowPrivilegeEscalation"] == nil)
  }

  @Test("Single capabilities are not enough")
  func capabilities() {
    #expect(
      restricted(container: ["capabilities": ["drop": ["NET_RAW"]]])?[path: "capabilities", "drop"] == [
        "NET_RAW", "ALL",
      ])
  }
}
