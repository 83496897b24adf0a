@testable import KubeObjects

extension Harness {
  static let json = Harness(
    name: "json",
    dictionary: [
      "{\"", "\":", "[", "]", "}", "null", "true", "false", "\\u", "\\ud83d\\ude00", "1e5", "-0.0",
      "9223372036854775808", "0.1",
    ]
  ) { bytes in
    guard let value = try? JSONValue(parsing: bytes) else { return }
    let text = value.serialized()
    let again = try parsed(text)
    try promise(again.serialized() == text, "written and read it is another value")
    try promise(try parsed(value.serialized(pretty: true)).serialized() == text, "written prettily it is another value")
    _ = (value.intValue, value["a"], value[0], value[path: "metadata", "name"], value.stringMap)
  }

  /// A document, `---`, and a patch.
  static let jsonPatch = Harness(
    name: "json-patch",
    dictionary: [
      "\n---\n", "[{\"op\":\"", "add", "remove", "replace", "move", "copy", "test", "\",\"path\":\"/",
      "\",\"from\":\"/", "\",\"value\":", "~0", "~1", "/-", "/0",
    ]
  ) { bytes in
    let (first, second) = halves(bytes)
    guard let document = try? JSONValue(parsing: first), let patch = try? JSONValue(parsing: second) else { return }
    let merged = document.applying(mergePatch: patch)
    try promise(merged.applying(mergePatch: patch).isEquivalent(to: merged), "the same merge patch changes it again")
    guard let result = try? document.applying(jsonPatch: patch) else { return }
    try promise(result.isEquivalent(to: result), "a value is not equivalent to itself")
  }

  static let labelSelector = Harness(
    name: "label-selector", maximumLength: 1024, usualLength: 64,
    dictionary: [" in (", " notin (", ")", ",", "!=", "==", "!", "a=b"]
  ) { bytes in
    guard let selector = try? LabelSelector(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
    let text = selector.description
    guard let again = try? LabelSelector(parsing: text) else {
      throw BrokenPromise(description: "'\(text)' was written and cannot be read")
    }
    try promise(again.description == text, "'\(text)' is read as '\(again)'")
    _ = selector.matches(["a": "b"])
  }

  private static func parsed(_ text: [UInt8]) throws -> JSONValue {
    do { return try JSONValue(parsing: text) } catch {
      throw BrokenPromise(description: "'\(String(decoding: text, as: UTF8.self))' was written: \(error)")
    }
  }
}
