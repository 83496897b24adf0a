import KubeObjects
import Testing

@Suite struct LabelSelectorTests {
  /// Selector, labels, whether they match.
  static let cases: [(String, [String: String], Bool)] = [
    ("", ["app": "user"], true),
    ("app=user", ["app": "user", "tier": "web"], true),
    ("app==user", ["app": "user"], true),
    ("app=user", ["app": "order"], false),
    ("app=user", [:], false),
    ("app!=user", ["app": "order"], true),
    ("app!=user", [:], true),
    ("app != user", ["app": "user"], false),
    ("tier in (web, api)", ["tier": "api"], true),
    ("tier in (web,api)", ["tier": "db"], false),
    ("tier in (web,api)", [:], false),
    ("tier notin (web,api)", [:], true),
    ("tier notin (web,api)", ["tier": "web"], false),
    ("canary", ["canary": ""], true),
    ("canary", [:], false),
    ("!canary", [:], true),
    ("! canary", ["canary": "yes"], false),
    ("app=", ["app": ""], true),
    ("app.kubernetes.io/name=user,tier in (web),!canary", ["app.kubernetes.io/name": "user", "tier": "web"], true),
  ]

  @Test(arguments: cases) func matches(selector: String, labels: [String: String], expected: Bool) throws {
    let parsed = try LabelSelector(parsing: selector)
    #expect(parsed.matches(labels) == expected)
    #expect(try LabelSelector(parsing: parsed.description) == parsed)
    #expect(try LabelSelector(json: parsed.json).matches(labels) == expected)
  }

  @Test(arguments: ["a in (b", "a)", "a within (b)", "=b", "a b", "a=b c", ",a", "a>1"]) func refuses(selector: String)
  {
    #expect(throws: LabelSelector.ParseError.self) { try LabelSelector(parsing: selector) }
  }

  @Test func readsAndWritesTheObjectForm() throws {
    let json: JSONValue = [
      "matchLabels": ["app": "user"],
      "matchExpressions": [
        ["key": "tier", "operator": "In", "values": ["web", "api"]], ["key": "canary", "operator": "DoesNotExist"],
      ],
    ]
    let selector = try LabelSelector(json: json)
    #expect(selector.description == "app=user,tier in (web,api),!canary")
    #expect(selector.json == json)
    #expect(throws: LabelSelector.ParseError.self) {
      try LabelSelector(json: ["matchExpressions": [["key": "a", "operator": "Gt"]]])
    }
  }
}
