import Testing

@testable import Skaffold

struct EnvTemplateTests {
  static let environment = ["NAME": "Shop", "TAG": "v1.2.3", "EMPTY": ""]

  @Test(
    "Variables, pipes and functions, as Go's template and Sprig have them",
    arguments: [
      ("plain", "plain"), ("{{.NAME}}:{{ .TAG }}", "Shop:v1.2.3"), ("{{.EMPTY}}", ""), ("a {{- .TAG -}} b", "av1.2.3b"),
      ("{{.NAME | lower}}", "shop"),
      ("{{upper .NAME}}", "SHOP"),
      ("{{.GONE | default \"x\"}}", "x"), ("{{default \"x\" .EMPTY}}", "x"), ("{{default \"x\" .NAME}}", "Shop"),
      ("{{.TAG | trimPrefix \"v\" | replace \".\" \"-\"}}", "1-2-3"),
      ("{{trunc 2 .TAG}}", "v1"), ("{{.TAG | trunc -3}}", "2.3"), ("{{quote .NAME}}", "\"Shop\""),
      ("{{printf \"%s-%s\" .NAME .TAG}}", "Shop-v1.2.3"),
      ("{{/* no */}}x", "x"),
      ("{{`a`}}", "a"),
    ])
  func expands(template: String, expected: String) throws {
    #expect(try EnvTemplate(template).expanded(Self.environment) == expected)
  }

  @Test(
    "Reports a variable that cannot be filled in",
    arguments: [
      ("{{.GONE}}", "the variable GONE is not set"), ("{{.GONE | lower}}", "the variable GONE is not set"),
      ("{{.NAME", "'{{' without '}}' in '{{.NAME'"),
      ("{{nope .NAME}}", "devtunnel does not know the template function 'nope'"),
      ("{{}}", "'{{}}' is not complete"),
      ("{{.A-B}}", "'.A-B' is not a variable's name"),
      ("{{lower .NAME .TAG}}", "the template function 'lower' got 2 arguments"),
      ("{{lower x}}", "'x' cannot be an argument"),
      ("{{\"x}}", "a quoted text has no end"),
      ("{{.NAME .TAG}}", "a value takes no arguments"),
    ])
  func refuses(template: String, message: String) {
    let problem = #expect(throws: EnvTemplate.Problem.self) { try EnvTemplate(template).expanded(Self.environment) }
    #expect(problem?.message == message)
  }

  @Test("Lengths and repetitions that no text has", .timeLimit(.minutes(1)))
  func bombs() throws {
    #expect(try EnvTemplate("{{trunc -9223372036854775808 .A}}").expanded(["A": "ab"]) == "ab")
    #expect(try EnvTemplate("{{trunc 9223372036854775807 .A}}").expanded(["A": "ab"]) == "ab")
    #expect(try EnvTemplate("{{replace \"\" \"x\" .A}}").expanded(["A": "ab"]) == "ab")
    let pipe = Array(repeating: "replace \"a\" \"aaaaaaaaaa\"", count: 12).joined(separator: " | ")
    #expect(throws: EnvTemplate.Problem.self) { try EnvTemplate("{{.A | \(pipe)}}").expanded(["A": "a"]) }
    let many = String(repeating: "{{.A}}", count: 100_000)
    #expect(throws: EnvTemplate.Problem.self) {
      try EnvTemplate(many).expanded(["A": String(repeating: "a", count: 60_000)])
    }
  }
}
