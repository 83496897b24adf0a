import Foundation
import KubeObjects
import Testing

@Suite struct JSONParserTests {
  static let values: [(String, JSONValue)] = [
    ("null", nil), (" true ", true), ("false", false), ("0", 0), ("-0", 0), ("-12", -12),
    ("9223372036854775807", .int(.max)),
    ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("1.5", 1.5), ("-2.5e-1", -0.25),
    ("1E3", .double(1000)), ("\"\"", ""),
    ("\"a b\"", "a b"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u0041\u00e9\u20AC\uD83D\uDE00""#, "Aé€😀"),
    (#""\ud83d!""#, "\u{FFFD}!"),
    (#""\ud83d\u0041""#, "\u{FFFD}A"),
    ("\"é€😀\"", "é€😀"), ("[]", []), ("[ ]", []), ("{}", [:]), ("{ }", [:]),
    ("[1,[2,{\"a\":[]}]]", [1, [2, ["a": []]]]),
    ("\n{ \"a\" : 1 ,\t\"b\":\r\n\"c\" }\n", ["a": 1, "b": "c"]), ("{\"a\":1,\"a\":2}", ["a": 2]),
  ]

  @Test(arguments: values) func reads(text: String, value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
  }

  /// Broken texts, and the places of their errors.
  @Test(arguments: [
    ("", "line 1, column 1"), ("[1,]", "line 1, column 4"), ("{\n\"a\":1,}", "line 2, column 7"),
    ("{\"a\" 1}", "line 1, column 6"),
    ("{a:1}", "line 1, column 2"),
    ("01", "line 1, column 3"), ("1.", "line 1, column 3"), ("1e", "line 1, column 3"), ("-", "line 1, column 2"),
    ("+1", "line 1, column 1"),
    ("1e999", "line 1, column 6"),
    ("nul", "line 1, column 1"), ("\"a", "line 1, column 3"), ("\"a\nb\"", "line 1, column 3"),
    (#""\x""#, "line 1, column 4"),
    (#""\u12g4""#, "line 1, column 6"),
    ("[1 2]", "line 1, column 4"), ("1 2", "line 1, column 3"), ("[", "line 1, column 2"), ("NaN", "line 1, column 1"),
    ("'a'", "line 1, column 1"),
  ]) func locatesAMistake(text: String, place: String) {
    let error = #expect(throws: DecodingError.self) { try JSONValue(parsing: text) }
    guard case .dataCorrupted(let context) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(context.debugDescription.hasPrefix(place + ": "), "\(context.debugDescription)")
  }

  @Test func refusesWhatIsNotUTF8AndWhatIsTooDeep() throws {
    #expect(throws: DecodingError.self) { try JSONValue(parsing: [0x22, 0xC3, 0x28, 0x22]) }
    #expect(throws: DecodingError.self) { try JSONValue(parsing: [0x22, 0x5C, 0x6E, 0xFF, 0x22]) }
    #expect(throws: DecodingError.self) { try JSONValue(parsing: String(repeating: "[", count: 100_000)) }
    _ = try JSONValue(parsing: String(repeating: "[", count: 500) + String(repeating: "]", count: 500))
  }

  /// But for what either does with a broken surrogate, a name that comes twice, and 1E3, which Foundation takes for a
  /// whole number.
  @Test func agreesWithFoundation() throws {
    for (text, _) in Self.values
    where !text.contains(#"\ud83d"#) && !text.contains("\"a\":1,\"a\"") && !text.contains("E") {
      #expect(try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) == JSONValue(parsing: text), "\(text)")
    }
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let value: JSONValue = ["a": [1, 2.5, nil, true, "\u{1}\"/\\é😀"], "b": ["c": [:]]]
    #expect(try JSONValue(parsing: value.serialized()) == value)
    #expect(try JSONValue(parsing: value.serialized(pretty: true)) == value)
  }
}
