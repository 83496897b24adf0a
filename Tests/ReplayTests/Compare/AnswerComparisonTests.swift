import Exchanges
import KubeObjects
import Testing

@testable import Replay

@Suite struct AnswerComparisonTests {
  static func differences(
    _ kept: Exchange.Answer, _ now: Exchange.Answer, ignoring: [String] = [], request: [Exchange.Field] = []
  ) -> [String] {
    let options = ReplayOptions(ignored: ignoring.map(Samples.pattern))
    return AnswerComparison(options).differences(Samples.exchange(fields: request, answer: kept), now).map(
      \.description)
  }

  @Test(arguments: [
    (#"{"a":1,"b":[1,{"c":"x"}]}"#, #"{ "b": [1.0, {"c": "x"}], "a": 1 }"#, []),
    (#"{"items":[{"price":10}]}"#, #"{"items":[{"price":11}]}"#, ["body.items[0].price: 10 → 11"]),
    (#"{"a":1}"#, #"{"b":null}"#, ["body.a: 1 → absent", "body.b: absent → null"]),
    (#"[1,2]"#, #"[1]"#, ["body[1]: 2 → absent"]),
    (#"{"a b":{"c.d":true}}"#, #"{"a b":{"c.d":"x"}}"#, [#"body["a b"]["c.d"]: true → "x""#]),
    (#"{"token":"***","a":1}"#, #"{"token":"abc","a":1}"#, []),
    (#"{"a":1}"#, "oops", [#"body: 7 bytes, from byte 0: "{\"a\":1}" → 4 bytes: "oops""#]),
  ])
  func bodies(kept: String, now: String, expected: [String]) {
    #expect(Self.differences(Samples.answer(kept), Samples.answer(now)) == expected)
  }

  @Test(arguments: [
    (["body.items[*].id"], ["body.items[0].price: 1 → 2"]), (["body.items"], []),
    (["*.price"], ["body.items[0].id: 1 → 2"]),
    (["body.item"], ["body.items[0].id: 1 → 2", "body.items[0].price: 1 → 2"]), (["body"], []),
  ])
  func ignoredPlaces(patterns: [String], expected: [String]) {
    let (kept, now) = (#"{"items":[{"id":1,"price":1}]}"#, #"{"items":[{"id":2,"price":2}]}"#)
    #expect(Self.differences(Samples.answer(kept), Samples.answer(now), ignoring: patterns) == expected)
  }

  @Test func statusAndHeaders() {
    let kept = Exchange.Answer(
      status: 302,
      fields: [
        .init("Location", "/a"), .init("Date", "1"), .init("ETag", "1"), .init("Set-Cookie", "id=1; Path=/"),
        .init("Content-Type", "text/html; charset=utf-8"),
      ])
    var now = Exchange.Answer(
      status: 303,
      fields: [
        .init("location", "/b"), .init("date", "2"), .init("set-cookie", "id=2"), .init("cache-control", "no-store"),
        .init("content-type", "text/html;charset=UTF-8"),
      ])
    #expect(
      Self.differences(kept, now) == [
        "status: 302 → 303", "cache-control: absent → no-store", "location: /a → /b",
      ])
    #expect(Self.differences(kept, now, ignoring: ["status", "loc*", "cache-control"]) == [])
    now.fields.removeAll { $0.name == "set-cookie" }
    #expect(Self.differences(kept, now).contains("set-cookie: id → absent"))
  }

  @Test func bytesThatAreNoJSON() {
    let (kept, now) = (Samples.answer([1, 2, 0xFF], type: "image/png"), Samples.answer([1, 3], type: "image/png"))
    #expect(Self.differences(kept, now) == ["body: 3 bytes, from byte 1: 2 ff → 2 bytes: \"\\u0003\""])
    var part = kept
    part.body = .init([1], isWhole: false)
    #expect(Self.differences(part, kept) == [])
  }

  @Test func aPackedBodyIsThePlainOne() {
    var kept = Samples.answer(Samples.bytes(InflateTests.gzip))
    kept.fields.append(.init("Content-Encoding", "gzip"))
    let text = InflateTests.text
    #expect(Self.differences(kept, Samples.answer(text)) == [])
    #expect(
      Self.differences(kept, Samples.answer(text.replacing("1,", with: "2,"))) == ["body.a: 1 → 2"])
    // A browser keeps it unpacked, with the header.
    kept.body = .init(Array(text.utf8))
    #expect(Self.differences(kept, Samples.answer(text)) == [])
    kept.fields[1] = .init("Content-Encoding", "br")
    kept.body = .init([0xFF, 1])
    #expect(Self.differences(kept, Samples.answer(text)) == [])
  }

  @Test func callsAreComparedByMessages() {
    let fields = [Exchange.Field("content-type", "application/grpc")]
    func answer(_ messages: [[UInt8]], status: String = "0") -> Exchange.Answer {
      var answer = Samples.answer(messages.flatMap(GRPCFrames.frame), type: "application/grpc")
      answer.trailers = [.init("grpc-status", status)]
      return answer
    }
    let kept = answer([[8, 1], [8, 2]])
    #expect(Self.differences(kept, kept, request: fields) == [])
    var spoken = kept
    spoken.trailers.append(.init("grpc-message", ""))
    #expect(Self.differences(kept, spoken, request: fields) == [])
    #expect(Self.differences(kept, answer([[8, 1], [8, 3]]), request: fields) == ["message[1].1: 2 → 3"])
    #expect(
      Self.differences(kept, answer([[8, 1]], status: "5"), request: fields) == [
        "grpc-status: 0 → 5", "messages: 2 → 1",
      ])
    #expect(Self.differences(kept, answer([[8, 1], [8, 3]]), ignoring: ["message[*].1"], request: fields) == [])
  }

  @Test func manyDifferencesHaveABound() {
    let kept = "[" + (0..<500).map(String.init).joined(separator: ",") + "]"
    let now = "[" + (1..<501).map(String.init).joined(separator: ",") + "]"
    #expect(Self.differences(Samples.answer(kept), Samples.answer(now)).count == JSONComparison.limit)
  }
}
