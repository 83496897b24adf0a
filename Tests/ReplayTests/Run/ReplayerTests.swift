import Exchanges
import Synchronization
import Testing

@testable import Replay

@Suite struct ReplayerTests {
  final class Log: Sendable {
    let requests = Mutex<[ReplayRequest]>([])
  }

  static func run(
    _ exchanges: [Exchange], _ options: ReplayOptions = ReplayOptions(),
    _ answer: @escaping @Sendable (ReplayRequest) throws(ReplayFailure) -> Exchange.Answer
  ) async -> (results: [ReplayResult], summary: ReplaySummary, requests: [ReplayRequest]) {
    let log = Log()
    var results: [ReplayResult] = []
    let replayer = Replayer(ReplayPlan(exchanges, options), options) { request throws(ReplayFailure) in
      log.requests.withLock { $0.append(request) }
      return try answer(request)
    }
    let summary = await replayer.run { results.append($0) }
    return (results, summary, log.requests.withLock { $0 })
  }

  @Test func eachRequestHasItsOutcome() async {
    let kept = Samples.answer(#"{"a":1}"#)
    let outcome = await Self.run([
      Samples.exchange("GET", "/1", answer: kept), Samples.exchange("GET", "/2", answer: kept),
      Samples.exchange("GET", "/3", answer: kept), Samples.exchange("GET", "/4", answer: nil),
    ]) { request throws(ReplayFailure) in
      if request.target == "/3" { throw ReplayFailure("refused") }
      return request.target == "/1" ? kept : Samples.answer(#"{"a":2}"#)
    }
    #expect(outcome.results.map(\.outcome) == [.same, .differs, .failed, .skipped])
    #expect(outcome.requests.map(\.target) == ["/1", "/2", "/3"])
    #expect(outcome.results[1].lines == ["differs  GET /2", "    body.a: 1 → 2"])
    #expect(outcome.results[2].lines == ["failed   GET /3  refused"])
    #expect(outcome.summary.text == "1 of 3 answers the same, 1 without an answer; 1 not sent")
    #expect(!outcome.summary.isGood)
  }

  @Test func nothingSentIsNoSuccess() async {
    let outcome = await Self.run([]) { _ throws(ReplayFailure) in throw ReplayFailure("never") }
    #expect(outcome.summary.text == "0 of 0 answers the same")
    #expect(!outcome.summary.isGood)
  }

  @Test func gapsAreKept() async {
    let exchanges = [Samples.exchange(start: 10), Samples.exchange(start: 10.2)]
    let begin = ContinuousClock.now
    let outcome = await Self.run(exchanges, ReplayOptions(gaps: true)) { _ throws(ReplayFailure) in
      Exchange.Answer(status: 200)
    }
    #expect(ContinuousClock.now - begin >= .milliseconds(200))
    #expect(outcome.summary.isGood)
    #expect(outcome.summary.text == "2 of 2 answers the same")
  }

  @Test func namesAreAskedOfAServerWithReflection() async {
    func answer(_ messages: [UInt8]...) -> Exchange.Answer {
      Samples.answer(messages.flatMap(GRPCFrames.frame), type: "application/grpc")
    }
    let exchange = Samples.exchange(
      "POST", "/shop.Users/Get", fields: [.init("content-type", "application/grpc")], body: "",
      answer: answer(ProtobufTests.message), version: "HTTP/2")
    var changed = ProtobufTests.message
    changed[4] = UInt8(ascii: "y")
    let now = answer(changed)
    let file = ProtobufTests.file
    let wrapped: [UInt8] = [0x0A] + [UInt8(truncatingIfNeeded: file.count | 0x80), UInt8(file.count >> 7)] + file
    let response = answer(
      [0x22] + [UInt8(truncatingIfNeeded: wrapped.count | 0x80), UInt8(wrapped.count >> 7)] + wrapped)
    let outcome = await Self.run([exchange, exchange]) { request throws(ReplayFailure) in
      if request.target == Reflection.paths[0] { throw ReplayFailure("unimplemented") }
      return request.target == Reflection.paths[1] ? response : now
    }
    #expect(
      outcome.results.map { $0.differences.map(\.description) } == [
        [#"message[0].name: "Ann" → "Any""#], [#"message[0].name: "Ann" → "Any""#],
      ])
    #expect(outcome.requests.map(\.target) == ["/shop.Users/Get"] + Reflection.paths + ["/shop.Users/Get"])
    #expect(outcome.requests[1].body == GRPCFrames.frame([0x22, 10] + Array("shop.Users".utf8)))
  }
}
