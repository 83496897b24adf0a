import KubeObjects
import Testing

@testable import Deploy

struct RunLabelTests {
  @Test(
    "Any text becomes a label value",
    arguments: [("user", "user"), ("my app/1", "my-app-1"), ("-x-", "x"), ("a.b_c", "a.b_c")])
  func value(text: String, expected: String) { #expect(RunLabel.value(text) == expected) }

  @Test("Long texts that begin alike stay apart, and fit")
  func long() {
    let text = String(repeating: "a", count: 80)
    #expect(RunLabel.value(text + "1") != RunLabel.value(text + "2"))
    #expect(RunLabel.value(text).count <= 63)
  }

  @Test("The label goes on the object and its Pod template, and never into a selector")
  func marked() {
    let deployment: JSONValue = [
      "kind": "Deployment", "metadata": ["name": "user", "labels": ["a": "b"]],
      "spec": [
        "selector": ["matchLabels": ["app": "user"]],
        "template": ["metadata": ["labels": ["app": "user"]], "spec": [:]],
      ],
    ]
    let marked = RunLabel.mark(deployment, run: "r")
    #expect(marked.labels == ["a": "b", RunLabel.key: "r"])
    #expect(marked[path: "spec", "template"]?.labels == ["app": "user", RunLabel.key: "r"])
    #expect(marked[path: "spec", "selector"] == deployment[path: "spec", "selector"])
  }

  @Test("A CronJob's Pod template is two levels down")
  func cronJob() {
    let job: JSONValue = [
      "kind": "CronJob", "metadata": ["name": "j"], "spec": ["jobTemplate": ["spec": ["template": ["spec": [:]]]]],
    ]
    #expect(
      RunLabel.mark(job, run: "r")[path: "spec", "jobTemplate", "spec", "template"]?.labels == [RunLabel.key: "r"])
  }
}
