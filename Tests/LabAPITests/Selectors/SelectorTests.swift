import Testing

import enum KubeObjects.JSONValue

@testable import LabAPI

@Suite struct SelectorTests {
  @Test(arguments: [
    ("app=web", true), ("app==web", true), ("app!=web", false), ("app in (api, web)", true), ("app notin (web)", false),
    ("tier", true),
    ("!tier", false), ("none", false), ("!none", true), ("none!=x", true), ("app=web,tier=front", true),
    ("app in (a,b),tier", false), ("", true),
  ]) func labelSelectors(_ text: String, matches: Bool) throws {
    #expect(try LabelSelector(parsing: text).matches(["app": "web", "tier": "front"]) == matches)
  }

  @Test(arguments: ["a b", "=x", "a near (b)"]) func noLabelSelector(_ text: String) {
    #expect(throws: StatusError.self) { try LabelSelector(parsing: text) }
  }

  @Test func selectorObjectsAndTheirText() {
    let selector = LabelSelector(object: [
      "matchLabels": ["app": "web"],
      "matchExpressions": [
        ["key": "x", "operator": "NotIn", "values": ["1", "2"]], ["key": "y", "operator": "Exists"],
      ],
    ])
    #expect(selector.text == "app=web,x notin (1,2),y")
    #expect(selector.matches(["app": "web", "x": "3", "y": ""]))
    #expect(!selector.matches(["app": "web", "x": "1", "y": ""]))
  }

  @Test func fieldSelectors() throws {
    let pod: JSONValue = ["metadata": ["name": "a"], "spec": ["nodeName": "lab"], "status": ["phase": "Running"]]
    #expect(try FieldSelector(parsing: "metadata.name=a,status.phase!=Failed", for: .pod).matches(pod))
    #expect(try !FieldSelector(parsing: "spec.nodeName=other", for: .pod).matches(pod))
    #expect(throws: StatusError.self) { try FieldSelector(parsing: "spec.image=x", for: .pod) }
  }
}
