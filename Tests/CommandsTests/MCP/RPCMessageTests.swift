import KubeObjects
import Testing

@testable import Commands

struct RPCMessageTests {
  @Test(arguments: [
    (#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, RPCMessage.request(id: .number(1), method: "ping", params: [:])),
    (
      #"{"jsonrpc":"2.0","id":"a","method":"x","params":{"b":1}}"#,
      .request(id: .text("a"), method: "x", params: ["b": 1])
    ),
    (
      #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
      .notification(method: "notifications/initialized", params: [:])
    ), (#"{"jsonrpc":"2.0","id":1,"result":{}}"#, .answer), (#"{"jsonrpc":"2.0","id":1,"error":{}}"#, .answer),
    ("[]", .invalid(RPCFailure(.invalidRequest, "send each message on a line of its own"), id: nil)),
    ("7", .invalid(RPCFailure(.invalidRequest, "a message is a JSON object"), id: nil)),
    (
      #"{"id":3,"method":"ping"}"#,
      .invalid(RPCFailure(.invalidRequest, #"the member jsonrpc must be "2.0""#), id: .number(3))
    ),
    (#"{"jsonrpc":"2.0","id":3}"#, .invalid(RPCFailure(.invalidRequest, "the message has no method"), id: .number(3))),
    (
      #"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
      .invalid(RPCFailure(.invalidRequest, "an id is a string or a whole number"), id: nil)
    ),
  ])
  func aLineIsAMessage(line: String, expected: RPCMessage) { #expect(RPCMessage(line: Array(line.utf8)) == expected) }

  @Test(arguments: ["", "{", "garbage", #"{"jsonrpc":"2.0","id":1,"method":"pi"#, "\u{0}", "{}}"])
  func garbageIsAParseError(line: String) {
    guard case .invalid(let failure, nil) = RPCMessage(line: Array(line.utf8)) else {
      Issue.record("taken for a message")
      return
    }
    #expect(failure.code == .parse)
  }

  @Test func bytesThatAreNoTextAreAParseError() {
    guard case .invalid(let failure, nil) = RPCMessage(line: [0xff, 0xfe, 0x22]) else {
      Issue.record("taken for a message")
      return
    }
    #expect(failure.code == .parse)
  }

  @Test(arguments: 1...12) func linesComeOutWholeHoweverTheyArrive(step: Int) {
    var lines = RPCLines(limit: 8)
    let bytes = Array("one\r\n\ntwo\nlonger than eight\nthree\nhalf".utf8)
    var found: [RPCLines.Line] = []
    for start in stride(from: 0, to: bytes.count, by: step) {
      found += lines.take(Array(bytes[start..<min(start + step, bytes.count)]))
    }
    #expect(found == [.text(Array("one".utf8)), .text(Array("two".utf8)), .tooLong, .text(Array("three".utf8))])
  }

  @Test func aFailureHasItsIdOrNull() {
    let failure = RPCFailure(.unknownMethod, "there is no method x")
    #expect(
      RPCReply.failure(failure, of: nil).description
        == #"{"error":{"code":-32601,"message":"there is no method x"},"id":null,"jsonrpc":"2.0"}"#)
    #expect(RPCReply.failure(failure, of: .text("7"))["id"] == "7")
  }
}
