import KubeObjects
import Testing

@testable import Intercept

struct RestartedTemplateTests {
  private func lasting(_ template: JSONValue) -> JSONValue { InterceptedWorkload.lasting(template) }

  private let restarted = "kubectl.kubernetes.io/restartedAt"

  private func template(_ annotations: [String: String]?, image: String = "registry.example/web:1") -> JSONValue {
    var template: JSONValue = [
      "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "web", "image": JSONValue(image)]]],
    ]
    if let annotations { template.annotations = annotations }
    return template
  }

  @Test("A restart changes nothing that the agent has")
  func restart() {
    let before = template(nil)
    #expect(lasting(template([restarted: "2026-01-02T03:04:05Z"])) == lasting(before))
    #expect(
      lasting(template([restarted: "b", "team": "a"]))
        == lasting(template([restarted: "a", "team": "a"])))
    var bare = before
    bare["metadata"] = nil
    var bareRestarted = bare
    bareRestarted.annotations = [restarted: "a"]
    #expect(lasting(bareRestarted) == bare)
  }

  @Test("Everything else does")
  func change() {
    #expect(
      lasting(template([restarted: "a"], image: "registry.example/web:2"))
        != lasting(template(nil)))
    #expect(
      lasting(template([restarted: "a", "config": "2"])) != lasting(template(["config": "1"]))
    )
  }
}
