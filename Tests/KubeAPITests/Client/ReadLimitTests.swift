import Foundation
import HTTPTestSupport
import KubeObjects
import Subprocess
import Testing

@testable import KubeAPI

@Suite(.timeLimit(.minutes(1))) struct ReadLimitTests {
  private func problem(_ client: KubeClient) async -> String {
    let error = await #expect(throws: KubeError.self) { try await client.list(.pods, namespace: "default") }
    return error?.description ?? ""
  }

  @Test func aListThatLeadsToItselfEnds() async throws {
    try await withServer { _, connection in
      connection.reply(podList([pod("a", version: 1)], version: 1, token: "again"))
    } _: { client, server in
      #expect(await problem(client).contains("the list of pods goes in a circle: page 2 leads to itself"))
      #expect(server.requests.count == 2)
    }
  }

  @Test func aListWithoutAnEndEnds() async throws {
    try await withServer { request, connection in
      connection.reply(podList([pod("a", version: 1)], version: 1, token: "\(request.index)"))
    } _: { client, server in
      var client = client
      client.limits.pages = 7
      #expect(await problem(client).contains("the list of pods has more than 7 pages"))
      #expect(server.requests.count == 7)
    }
  }

  @Test func bytesAndTimeAreCountedOverAllPages() {
    var limits = ReadLimits()
    limits.list = 3 << 20
    limits.time = .seconds(10)
    let start = ContinuousClock.now
    var reading = ListReading(limits: limits, start: start)
    #expect(reading.problem(behindPageOf: 2 << 20, next: "1", now: start) == nil)
    #expect(reading.problem(behindPageOf: 2 << 20, next: "2", now: start) == "has more than 3 MiB")
    reading = ListReading(limits: limits, start: start)
    #expect(reading.problem(behindPageOf: 1, next: "1", now: start + .seconds(10)) == nil)
    #expect(
      reading.problem(behindPageOf: 1, next: "2", now: start + .seconds(11)) == "does not end within 10.0 seconds")
  }

  /// 64 MiB of blanks in 64 KiB.
  @Test func aBodyThatGrowsWhenItIsUnpackedIsCutOff() async throws {
    let packed = try await Subprocess.run(
      .name("gzip"), arguments: ["-9"], input: .array([UInt8](repeating: 32, count: 64 << 20)),
      output: .bytes(limit: 1 << 20), error: .discarded
    ).standardOutput
    #expect(packed.count < 100_000)
    try await withServer { _, connection in
      connection.reply(200, body: packed, headers: ["Content-Encoding": "gzip"])
    } _: { client, _ in
      var client = client
      client.limits.answer = 1 << 20
      #expect(await problem(client).contains("longer than 1048576 bytes"))
    }
  }
}
