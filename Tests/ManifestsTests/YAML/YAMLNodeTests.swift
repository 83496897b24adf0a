import KubeObjects
import Manifests
import Testing

struct YAMLNodeTests {
  private func read(_ text: String, warnings: inout [Diagnostic]) throws -> YAMLNode {
    try #require(try YAMLNode.documents(in: text, file: "a.yaml", warnings: &warnings).first)
  }

  private func read(_ text: String) throws -> YAMLNode {
    var warnings: [Diagnostic] = []
    defer { #expect(warnings.isEmpty) }
    return try read(text, warnings: &warnings)
  }

  @Test("A node knows its path and place")
  func places() throws {
    let node = try read("build:\n  artifacts:\n  - image: shop\n    context: .\n")
    let image = try #require(try node["build"]?["artifacts"]?.elements().first?["image"])
    #expect(image.path == "build.artifacts[0].image")
    #expect(image.position == SourcePosition(file: "a.yaml", line: 3, column: 12))
    #expect(image.error("no").description == "a.yaml:3:12: error: build.artifacts[0].image: no")
    #expect(try read("a: {'x/y.z': 1}")["a"]?["x/y.z"]?.path == "a['x/y.z']")
  }

  @Test("A key that occurs twice: the last one counts, and a warning names both lines")
  func duplicates() throws {
    var warnings: [Diagnostic] = []
    let node = try read(
      "a:\n  probe:\n    http: 1\n  other: 2\n  probe:\n    exec: 3\n  probe:\n    grpc: 4\nb: {\"c\": 5, \"c\": 6}\n",
      warnings: &warnings)
    #expect(node.json == ["a": ["probe": ["grpc": 4], "other": 2], "b": ["c": 6]])
    #expect(warnings.map(\.position?.line) == [2, 5, 9])
    #expect(warnings.map(\.field) == ["a", "a", "b"])
    #expect(warnings[0].message.contains("'probe'") && warnings[0].message.contains("line 7"))
  }

  @Test("Duplicates in several documents are all found, and nothing else moves")
  func duplicatesInDocuments() throws {
    var warnings: [Diagnostic] = []
    let nodes = try YAMLNode.documents(
      in: "x: 1\nx: 2\n---\ny: é\n---\nz: 1\nz: 2\n", file: "a.yaml", warnings: &warnings)
    #expect(nodes.map(\.json) == [["x": 2], ["y": "é"], ["z": 2]])
    #expect(warnings.map(\.position?.line) == [1, 6])
    #expect(nodes[1]["y"]?.position.line == 4)
  }

  @Test("Duplicates in a file with Windows' line ends, and keys that begin alike")
  func duplicatesInOtherTexts() throws {
    var warnings: [Diagnostic] = []
    #expect(try read("a:\r\n  b: 1\r\n  b: 2\r\nc: 3\r\n", warnings: &warnings).json == ["a": ["b": 2], "c": 3])
    #expect(warnings.map(\.position?.line) == [2])
    warnings = []
    #expect(try read("ab: 0\na: 1\n'a': 2\n\"a\" : 3\n", warnings: &warnings).json == ["ab": 0, "a": 3])
    #expect(warnings.map(\.position?.line) == [2, 3])
  }

  @Test(
    "Plain scalars mean what they mean to kubectl",
    arguments: [
      ("yes", true), ("off", false), ("y", true), ("0755", 493), ("0o17", 15), ("0x1F", 31), ("0b11", 3),
      ("1_000", 1000), ("1e3", 1000), ("1.0", 1),
      (".5", 0.5), ("08", 8),
      ("+1", 1), ("-12", -12), ("190:20:30", "190:20:30"), ("2001-01-01", "2001-01-01"), ("1e", "1e"), (".inf", ".inf"),
      ("~", nil), ("", nil),
      ("'012'", "012"),
      ("\"true\"", "true"), ("!!str 12", "12"), ("100m", "100m"), ("12345678901234567890", 12345678901234567890.0),
    ] as [(String, JSONValue)])
  func scalars(text: String, value: JSONValue) throws { #expect(try read("v: \(text)")["v"]?.json ?? .null == value) }

  @Test("Anchors, aliases and merge keys")
  func anchors() throws {
    let node = try read(
      "base: &base {a: 1, b: 2}\none:\n  <<: *base\n  b: 3\ntwo:\n  <<: [{a: 9}, *base]\nthree: *base\n")
    #expect(
      node.json == [
        "base": ["a": 1, "b": 2], "one": ["a": 1, "b": 3], "two": ["a": 9, "b": 2], "three": ["a": 1, "b": 2],
      ])
    #expect(node["three"]?["b"]?.path == "three.b")
  }

  @Test("Aliases of aliases end in an error, not in all the memory")
  func bomb() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...7 {
      text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    #expect(throws: InputError.self) { try read(text) }
  }

  @Test(
    "Broken YAML is reported with line and column",
    arguments: [
      ("a: 1\n b: 2\n", 2), ("a:\n\t- b\n", 2), ("a: [1, 2\n", 2), ("a: 'x\n", 2), ("a: *nobody\n", 1), ("a: @x\n", 1),
      ("x: 1\n---\n- a\nb: 1\n", 4),
    ])
  func broken(text: String, line: Int) throws {
    let error = try #require(throws: InputError.self) { try read(text) }
    #expect(error.diagnostics.count == 1)
    #expect(error.diagnostics[0].position?.line == line, "\(error)")
    #expect(error.diagnostics[0].position?.column != nil)
    #expect(error.diagnostics[0].message.hasPrefix("it is not YAML"))
  }

  @Test("A byte that no text has is reported with its line")
  func control() throws {
    let error = try #require(throws: InputError.self) { try read("a: 1\nb: 2\nc: \u{1}\n") }
    #expect(
      error.description == "a.yaml:3: error: it is not YAML: control characters are not allowed; write it as UTF-8 text"
    )
  }

  @Test("A value of another type says what it is and what is expected")
  func types() throws {
    let node = try read("a: [1]\nb: {c: d}\ne: word\nf: 1.5\n")
    #expect(throws: InputError.self) { try node["a"]?.string() }
    #expect(throws: InputError.self) { try node["b"]?.elements() }
    #expect(throws: InputError.self) { try node["f"]?.int() }
    let error = try #require(throws: InputError.self) { try node["e"]?.bool() }
    #expect(error.description.hasPrefix("a.yaml:3:4: error: e: true or false is expected here, not 'word'"))
  }

  @Test("Nothing is no document")
  func empty() throws {
    var warnings: [Diagnostic] = []
    #expect(try YAMLNode.documents(in: "# nothing\n---\n---\n~\n", file: "a.yaml", warnings: &warnings).isEmpty)
    #expect(try YAMLNode.documents(in: "", file: "a.yaml", warnings: &warnings).isEmpty)
  }
}
