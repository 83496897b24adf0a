import KubeObjects
import Testing

@Suite struct JSONPatchTests {
  /// RFC 6902, appendix A, those that succeed: document, patch, result.
  static let examples = [
    (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#, #"{"baz":"qux","foo":"bar"}"#),
    (#"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#, #"{"foo":["bar","qux","baz"]}"#),
    (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#, #"{"foo":"bar"}"#),
    (#"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#, #"{"foo":["bar","baz"]}"#),
    (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#, #"{"baz":"boo","foo":"bar"}"#),
    (
      #"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
      #"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
      #"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#
    ),
    (
      #"{"foo":["all","grass","cows","eat"]}"#, #"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
      #"{"foo":["all","cows","eat","grass"]}"#
    ),
    (
      #"{"baz":"qux","foo":["a",2,"c"]}"#,
      #"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
      #"{"baz":"qux","foo":["a",2,"c"]}"#
    ),
    (
      #"{"foo":"bar"}"#, #"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
      #"{"foo":"bar","child":{"grandchild":{}}}"#
    ),
    (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#, #"{"foo":"bar","baz":"qux"}"#),
    (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":10}]"#, #"{"/":9,"~1":10}"#),
    (#"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#, #"{"foo":["bar",["abc","def"]]}"#),
    (#"{"a":1}"#, #"[{"op":"test","path":"/a","value":1.0},{"op":"copy","from":"/a","path":"/b"}]"#, #"{"a":1,"b":1}"#),
    (#"{"a":1}"#, #"[{"op":"replace","path":"","value":[]}]"#, #"[]"#),
  ]

  @Test(arguments: examples) func followsTheRFC(document: String, patch: String, result: String) throws {
    #expect(
      try JSONValue(parsing: document).applying(jsonPatch: JSONValue(parsing: patch)) == JSONValue(parsing: result))
  }

  /// Document, patch, and why it fails.
  static let failures: [(String, String, PatchError.Code)] = [
    (#"{"baz":"qux"}"#, #"[{"op":"test","path":"/baz","value":"bar"}]"#, .testFailed),
    (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz/bat","value":"qux"}]"#, .absent),
    (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":"10"}]"#, .testFailed),
    (#"{"a":1}"#, #"[{"op":"test","path":"/b","value":null}]"#, .testFailed),
    (#"{"a":[1]}"#, #"[{"op":"remove","path":"/a/1"}]"#, .absent),
    (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/2","value":1}]"#, .absent),
    (#"{"a":[1,2]}"#, #"[{"op":"remove","path":"/a/01"}]"#, .absent),
    (#"{"a":{"b":1}}"#, #"[{"op":"replace","path":"/a/c","value":1}]"#, .absent),
    (#"{"a":{"b":1}}"#, #"[{"op":"move","from":"/a","path":"/a/b"}]"#, .malformed),
    (#"{"a":1}"#, #"[{"op":"add","path":"/a"}]"#, .malformed),
    (#"{"a":1}"#, #"[{"op":"increment","path":"/a"}]"#, .malformed),
    (#"{"a":1}"#, #"[{"op":"remove","path":"a"}]"#, .malformed),
    (#"{"a":1}"#, #"{"op":"remove","path":"/a"}"#, .malformed),
  ]

  @Test(arguments: failures) func refuses(document: String, patch: String, code: PatchError.Code) throws {
    let document = try JSONValue(parsing: document)
    let patch = try JSONValue(parsing: patch)
    let error = #expect(throws: PatchError.self) { try document.applying(jsonPatch: patch) }
    #expect(error?.code == code)
  }

  @Test func namesTheOperationThatFailed() {
    let patch = JSONPatch([.add(JSONPointer("b"), 1), .test(JSONPointer("a"), 2)])
    let error = #expect(throws: PatchError.self) { try (["a": 1] as JSONValue).applying(jsonPatch: patch) }
    #expect(error?.operation == 1 && error?.code == .testFailed)
  }

  /// Each copy of the document into itself doubles it.
  @Test func limitsCopies() throws {
    let whole = JSONPointer([String]())
    func doublings(_ count: Int) -> JSONPatch {
      JSONPatch((0..<count).map { .copy(from: whole, JSONPointer("member \($0)")) })
    }
    #expect(try JSONValue.object([:]).applying(jsonPatch: doublings(10)).objectValue?.count == 10)
    let error = #expect(throws: PatchError.self) { try JSONValue.object([:]).applying(jsonPatch: doublings(100)) }
    #expect(error?.code == .malformed)
  }

  @Test func writesWhatItReads() throws {
    let patch = JSONPatch([
      .test(JSONPointer("spec", "selector"), ["app": "user"]),
      .add(JSONPointer("metadata", "annotations", "devtunnel.dev/agent"), "x"),
      .remove(JSONPointer("a")), .move(from: JSONPointer("a"), JSONPointer("b")),
      .copy(from: JSONPointer("a"), JSONPointer("b")),
    ])
    #expect(patch.json[1]?["path"] == "/metadata/annotations/devtunnel.dev~1agent")
    #expect(try JSONPatch(parsing: patch.json) == patch)
  }
}

@Suite struct JSONPointerTests {
  /// RFC 6901, section 5.
  static let document: JSONValue = [
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8,
  ]
  static let places: [(String, JSONValue)] = [
    ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3), ("/g|h", 4),
    ("/i\\j", 5), ("/k\"l", 6), ("/ ", 7),
    ("/m~0n", 8), ("", document),
  ]

  @Test(arguments: places) func followsTheRFC(pointer: String, value: JSONValue) throws {
    let parsed = try JSONPointer(parsing: pointer)
    #expect(Self.document[parsed] == value)
    #expect(parsed.description == pointer)
  }

  @Test(arguments: ["/foo/2", "/foo/-", "/foo/00", "/nothing", "/foo/0/x"]) func leadsNowhere(pointer: String) throws {
    #expect(Self.document[try JSONPointer(parsing: pointer)] == nil)
  }

  @Test(arguments: ["foo", "/a~2", "/a~"]) func refuses(pointer: String) {
    #expect(throws: PatchError.self) { try JSONPointer(parsing: pointer) }
  }
}
