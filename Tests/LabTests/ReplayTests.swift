import ControlAPI
import DevLoop
import Exchanges
import Foundation
import HTTPMessages
import Replay
import Testing

extension LabTests {
  /// Requests that were kept, sent again.
  @Suite(.enabled(if: Lab.executable != nil, "the command devtunnel is not built"))
  struct ReplayTests {
    private static func exchange(_ service: String, _ path: String, answer: String) -> Exchange {
      Exchange(
        id: 1, way: .intercept, taker: .host, service: service, namespace: "shop", port: 80, version: "HTTP/1.1",
        start: 0, request: .init(method: "GET", authority: service, target: path, fields: [.init("Host", service)]),
        answer: .init(status: 200, size: answer.utf8.count, body: .init(Array(answer.utf8))))
    }

    @Test func theProcessThatHasTheInterceptIsAsked() async throws {
      try await Lab.run { lab in
        let server = try HostServer(#"{"name":"alice","items":[1]}"#)
        let command = try Command(lab, "replay")
        let file = "\(command.directory)/today.har"
        func replay(_ answers: [String], _ more: String...) async throws -> Outcome {
          let exchanges = answers.map { Self.exchange("web", "/", answer: $0) }
          try Data(HARDocument.write(exchanges)).write(to: URL(filePath: file))
          return try await command.run(["-n", "shop", "replay", file] + more)
        }
        try await command.during {
          let kept = #"{"items":[1],"name":"alice"}"#
          let other = #"{"items":[2],"name":"alice"}"#
          let without = try await replay([kept])
          #expect(without.code == 1 && without.errors.contains("no intercept of shop/web is here"), "\(without)")
          try await command("-n", "shop", "intercept", "web", "--port", "\(server.port)")
          let same = try await replay([kept, kept])
          #expect(same.code == 0 && same.output.hasSuffix("2 of 2 answers the same\n"), "\(same)")
          let differs = try await replay([kept, other])
          #expect(differs.code == 1, "\(differs)")
          #expect(differs.output.contains("    body.items[0]: 2 → 1\n1 of 2 answers the same\n"), "\(differs)")
          #expect(try await replay([other], "--ignore", "body.items").code == 0)
          try await command("leave", "--all")

          // The Service of the cluster answers with its page.
          let through = try await replay(["hello from the cluster\n"], "--service", "web", "--ignore", "content-type")
          #expect(through.code == 0 && through.output.contains("1 of 1 answers the same"), "\(through)")
          try Data("{}".utf8).write(to: URL(filePath: file))
          let none = try await command.run(["replay", file, "--to", "1"])
          #expect(none.code == 2 && none.errors.contains("log is missing: this is JSON, but no HAR"), "\(none)")
        }
        try await lab.expectNoTraces()
      }
    }

    @Test func eachSaveIsFollowedByTheKeptRequests() async throws {
      try await Lab.run { lab in
        try await lab.developer("alice@host") { alice in
          let ignored = TextPattern(exactly: Array("content-type".utf8))
          let replay = LoopReplay(
            [Self.exchange("demo", "/version", answer: "version 1\n")], ReplayOptions(ignored: [ignored]))
          try await WatchedProject.run(lab, alice, replay: replay) { project, events in
            func outcome() async throws -> DevEvent.Replayed? {
              let event = try await events.until("the replay") { if case .replayed = $0 { true } else { false } }
              if case .replayed(let outcome) = event { return outcome } else { return nil }
            }
            let first = try await outcome()
            #expect(first?.summary == "1 of 1 answers the same", "\(first?.details ?? [])")
            try await events.untilWatching()
            try project.write("version 2\n", to: "version")
            let second = try await outcome()
            #expect(second?.summary == "0 of 1 answers the same")
            #expect(second?.details.first == "differs  GET /version", "\(second?.details ?? [])")
            try await events.untilWatching()
          }
          try await lab.expectNothing(of: "demo")
        }
        try await lab.expectNoTraces()
      }
    }
  }
}
