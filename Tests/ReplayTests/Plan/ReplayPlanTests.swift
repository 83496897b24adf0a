import Exchanges
import Testing

@testable import Replay

@Suite struct ReplayPlanTests {
  @Test func aRequestIsSentAsItWasButForItsConnection() throws {
    let exchange = Samples.exchange(
      "POST",
      fields: [
        .init("Host", "web.shop"), .init("Accept", "*/*"), .init("Accept-Encoding", "gzip"),
        .init("Connection", "close"),
        .init("Content-Length", "2"), .init("X-Devtunnel", "bob"), .init("TE", "gzip"),
      ], body: "hi")
    let options = ReplayOptions(fields: [.init("x-devtunnel", "alice")])
    let step = try #require(ReplayPlan([exchange], options).steps.first)
    #expect(step.obstacle == nil)
    #expect(
      step.request
        == ReplayRequest(
          method: "POST", authority: "web.shop", target: "/items?page=1",
          fields: [.init("Accept", "*/*"), .init("x-devtunnel", "alice")], body: Array("hi".utf8), isHTTP2: false))
  }

  @Test(
    arguments: [
      ("HTTP/2", "web", [], true), ("HTTP/1.1", "web", [], false),
      // A browser's file: HTTP/2 was inside of TLS.
      ("HTTP/2", "", [], false), ("HTTP/2", "", [.init("content-type", "application/grpc+proto")], true),
    ] as [(String, String, [Exchange.Field], Bool)])
  func theVersion(version: String, service: String, fields: [Exchange.Field], isHTTP2: Bool) {
    let exchange = Samples.exchange(fields: fields, version: version, service: service)
    #expect(ReplayPlan.request(exchange, ReplayOptions()).isHTTP2 == isHTTP2)
  }

  @Test func theOrderTheTimeAndTheServices() {
    let plan = ReplayPlan(
      [Samples.exchange(start: 5), Samples.exchange("PUT", start: 7.5, service: "user")], ReplayOptions())
    #expect(plan.steps.map(\.offset) == [0, 2.5])
    #expect(plan.services == ["shop/web", "shop/user"])
  }

  @Test(arguments: [("/items", 2), ("/it*", 2), ("PUT /*", 1), ("/items?page=1", 0), ("*", 2)])
  func onlySome(pattern: String, count: Int) {
    let plan = ReplayPlan(
      [Samples.exchange(), Samples.exchange("PUT")], ReplayOptions(only: [Samples.pattern(pattern)]))
    #expect(plan.steps.count == count)
  }

  @Test(
    arguments: [
      (Samples.exchange(answer: nil), "it had no answer: none was kept"),
      (Samples.exchange(answer: .init(status: 101)), "it began another protocol"),
      (
        Samples.exchange(fields: [.init("Authorization", "***")]),
        "its authorization was hidden: give --header 'authorization=…', or record with --show-secrets"
      ),
      (Samples.exchange("GET", "/?token=***"), "a parameter was hidden: record with --show-secrets"),
      (
        Samples.exchange("POST", body: #"{"password":"***"}"#),
        "a value in its body was hidden: record with --show-secrets"
      ),
      (Samples.exchange("POST", body: "a*b**c"), nil),
    ] as [(Exchange, String?)])
  func requestsThatCannotBeSentAgain(exchange: Exchange, reason: String?) {
    #expect(ReplayPlan([exchange], ReplayOptions()).steps.first?.obstacle == reason)
  }

  @Test func bodiesThatWereNotKept() {
    var exchange = Samples.exchange("POST", body: "hi")
    exchange.request.body?.isWhole = false
    #expect(ReplayPlan([exchange], ReplayOptions()).steps.first?.obstacle == "its body was not kept whole")
    exchange.request.body = nil
    #expect(
      ReplayPlan([exchange], ReplayOptions()).steps.first?.obstacle == "its body was not kept: record with --bodies")
    exchange.request.size = 0
    #expect(ReplayPlan([exchange], ReplayOptions()).steps.first?.obstacle == nil)
  }

  @Test(
    "Requests that others got are not sent to this machine's process",
    arguments: [.origin, .holder("bob@desk")] as [Exchange.Taker])
  func othersRequests(taker: Exchange.Taker) {
    var exchange = Samples.exchange()
    exchange.taker = taker
    let obstacle = ReplayPlan([exchange], ReplayOptions()).steps.first?.obstacle
    #expect(obstacle == "it was not for this machine: no fields were kept")
  }

  @Test func aGivenHeaderStandsForAHiddenOne() {
    let exchange = Samples.exchange(fields: [.init("Authorization", "***")])
    let options = ReplayOptions(fields: [.init("authorization", "Bearer x")])
    #expect(ReplayPlan([exchange], options).steps.first?.obstacle == nil)
  }
}
