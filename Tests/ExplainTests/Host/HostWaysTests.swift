import ControlAPI
import Explain
import Testing

@Suite("Ways of this machine")
struct HostWaysTests {
  private static func facts(
    _ connection: WayAnswer, on addresses: [String] = ["127.0.0.1"], tls: Bool = false, request: String? = "GET /",
    change: (inout HostFacts) -> Void = { _ in }
  ) -> HostFacts {
    let listeners = addresses.map {
      HostFacts.Listener(ListeningSocket(address: $0, port: 8080, inode: 1), pid: 12, program: "web")
    }
    var facts = HostFacts(
      host: WayReport.Host(address: "127.0.0.1", port: 8080, expectsTLS: tls), listeners: listeners,
      connection: connection)
    facts.request = request
    change(&facts)
    return facts
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let facts: HostFacts
    let hop: String
    let outcome: WayHop.Outcome
    let words: String

    init(_ name: String, _ hop: String, _ outcome: WayHop.Outcome, _ words: String, _ facts: HostFacts) {
      testDescription = name
      (self.hop, self.outcome, self.words, self.facts) = (hop, outcome, words, facts)
    }
  }

  private static let http = HostReply.http(status: 200, wantsTLS: false)

  static let cases = [
    Case("it answers", "answer", .ok, "answered with 200", facts(.connected) { $0.plain = http }),
    Case("no request", "host", .ok, "web (pid 12) listens on 127.0.0.1:8080", facts(.connected, request: nil)),
    Case("nothing listens", "host", .failed, "nothing listens on 127.0.0.1:8080", facts(.refused, on: [])),
    Case("on ::1 only", "host", .failed, "web (pid 12) listens on [::1]:8080 only", facts(.refused, on: ["::1"])),
    Case(
      "on another address only", "host", .failed, "listens on 192.168.1.7:8080 only",
      facts(.refused, on: ["192.168.1.7"])),
    Case("its queue is full", "host", .failed, "does not take connections in time", facts(.timedOut)),
    Case("it is stopped", "host", .warning, "is stopped", facts(.connected) { $0.listeners[0].isStopped = true }),
    Case("it never answers", "answer", .failed, "has not answered GET /", facts(.connected) { $0.plain = .silent(3) }),
    Case(
      "plain HTTP to a TLS port that says so", "answer", .failed, "speaks TLS",
      facts(.connected) { $0.plain = .http(status: 400, wantsTLS: true) }),
    Case(
      "plain HTTP to a TLS port that alerts", "answer", .failed, "speaks TLS", facts(.connected) { $0.plain = .tls }),
    Case(
      "plain HTTP to a TLS port that closes", "answer", .failed, "speaks TLS",
      facts(.connected) { ($0.plain, $0.tls) = (.closed, .tls) }),
    Case(
      "TLS to a plain port", "answer", .failed, "speaks plain HTTP, and the clients",
      facts(.connected, tls: true) { ($0.tls, $0.plain) = (.closed, http) }),
    Case("TLS to a TLS port", "answer", .ok, "speaks TLS", facts(.connected, tls: true) { $0.tls = .tls }),
    Case(
      "an error of its own", "answer", .warning, "answered with 503",
      facts(.connected) { $0.plain = .http(status: 503, wantsTLS: false) }),
    Case("it closes", "answer", .failed, "closed the connection", facts(.connected) { $0.plain = .closed }),
    Case("HTTP/2 alone", "answer", .ok, "HTTP/2", facts(.connected) { $0.plain = .http2 }),
  ]

  @Test("The end of the way", arguments: cases)
  func end(one: Case) throws {
    let hop = try #require(one.facts.hops.first { $0.name == one.hop })
    #expect(hop.outcome == one.outcome)
    #expect(hop.detail.contains(one.words), "\(hop.detail)")
    #expect(hop.outcome != .failed || hop.remedy != nil)
  }

  @Test("A shell's port is not looked at")
  func shell() {
    var facts = Self.facts(.refused)
    facts.host.isInShell = true
    #expect(facts.hops.map(\.outcome) == [.skipped])
  }
}
