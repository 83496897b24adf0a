import ArgumentParser
import CLinux
import Testing

@testable import DevtunnelBench

@Suite struct ContenderTests {
  @Test func readsProcessTimesOfAnyName() throws {
    let line = "4711 (a) (b c) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 7 8 20 0 3 0 99 0 0"
    let times = try #require(ProcessTimes(parsing: line, ticksPerSecond: 100))
    #expect(times.cpuSeconds == 3)
    #expect(times.isRunning)
    #expect(
      ProcessTimes(parsing: "4711 (gone) Z 1 2 3 4 5 6 7 8 9 10 11 12 13", ticksPerSecond: 100)?.isRunning == false)
    #expect(ProcessTimes(parsing: "nothing", ticksPerSecond: 100) == nil)
    #expect(ProcessTimes(of: 1 << 30) == nil)
  }

  @Test func readsAddresses() throws {
    let listening = try Listening(parsing: "127.0.0.1:7000,[::1]:7001,localhost:7002")
    #expect(listening.addresses.map { $0.text } == ["127.0.0.1:7000", "[::1]:7001", "127.0.0.1:7002"])
    for text in ["127.0.0.1:7000", "127.0.0.1:7000,127.0.0.1:7001,127.0.0.1:0", "a:1,b:2,c:3", ""] {
      #expect(throws: ValidationError.self) { try Listening(parsing: text) }
    }
  }

  @Test func readsWhatDevtunnelForwardPrints() throws {
    let text = """
      {"id":"f-1","context":"lab","namespace":"default","target":"svc/echo","ports":[
        {"host":"127.0.0.1:40001","remote":"7000","connections":0,"refused":0},
        {"host":"127.0.0.1:40002","remote":"7001","connections":0,"refused":0},
        {"host":"127.0.0.1:40003","remote":"7002","connections":0,"refused":0}]}
      """
    let forward = try DevtunnelForward.decode(DevtunnelForward.Forward.self, text)
    let endpoints = try DevtunnelForward.endpoints(of: forward)
    #expect(forward.id == "f-1")
    #expect([endpoints.echo, endpoints.sink, endpoints.source].map { $0.port } == [40001, 40002, 40003])
    #expect(throws: BenchError.self) { try DevtunnelForward.decode(DevtunnelForward.Forward.self, "{}") }
    let two = DevtunnelForward.Forward(id: "f-2", ports: [.init(host: "127.0.0.1:1"), .init(host: "127.0.0.1:2")])
    #expect(throws: BenchError.self) { try DevtunnelForward.endpoints(of: two) }
  }

  @Test func aProgramThatFailsSaysWhy() async {
    await #expect(throws: BenchError.self) { try await outputOfProgram("/bin/false", []) }
    await #expect(throws: BenchError.self) { try await outputOfProgram("no-such-program-at-all", []) }
  }

  @Test func nobodyListensIsAProblemAndNoNumber() throws {
    let outcome = Measurement(
      endpoints: Endpoints([.loopback(1), .loopback(1), .loopback(1)]), work: try Work.parse([])
    ).run()
    #expect(outcome.values.isEmpty)
    #expect(outcome.problems.count == 1)
  }
}
