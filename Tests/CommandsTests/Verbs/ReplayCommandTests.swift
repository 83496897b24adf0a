import ControlAPI
import FoundationEssentials
import Testing

@testable import Commands

@Suite struct ReplayCommandTests {
  @Test(arguments: [
    ("127.0.0.1:8080", ReplayPlace(host: "127.0.0.1", port: 8080)),
    ("8080", ReplayPlace(host: "127.0.0.1", port: 8080)),
    ("[::1]:80", ReplayPlace(host: "::1", port: 80)), ("::1:80", ReplayPlace(host: "::1", port: 80)),
    ("localhost:1", ReplayPlace(host: "localhost", port: 1)),
  ])
  func places(text: String, place: ReplayPlace) throws { #expect(try ReplayPlace.parse(text) == place) }

  @Test(arguments: ["", "a", "a:", ":80", "a:0", "a b:80", "http://a:80"])
  func noPlaces(text: String) { #expect(throws: ControlError.self) { try ReplayPlace.parse(text) } }

  private func intercept(_ service: String, _ hosts: [String?]) -> InterceptReport {
    InterceptReport(
      context: "c", cluster: ClusterIdentity(server: "https://c:6443"), namespace: "shop", service: service,
      workload: "Deployment/\(service)", state: .active,
      ports: hosts.enumerated().map { .init(service: 80 + $0, name: nil, target: 80, host: $1) }, holder: "alice@host",
      since: "")
  }

  @Test func theInterceptsPortIsThePlace() throws {
    let intercepts = [intercept("web", ["127.0.0.1:8080", nil]), intercept("user", ["127.0.0.1:1", "127.0.0.1:2"])]
    #expect(try ReplayTarget.place(["shop/web"], intercepts) == ReplayPlace(host: "127.0.0.1", port: 8080))
    for services: Set<String> in [[], ["shop/db"], ["office/web"], ["shop/user"], ["shop/web", "shop/user"]] {
      let error = #expect(throws: ControlError.self) { try ReplayTarget.place(services, intercepts) }
      #expect(error?.remedy == "Say where they go: --to HOST:PORT, or --service SERVICE.")
    }
  }

  @Test("A process in a shell is reached through the cluster alone")
  func aShellsPortIsNoPlace() {
    var inside = intercept("web", ["127.0.0.1:8080"])
    inside.inShell = true
    let error = #expect(throws: ControlError.self) { try ReplayTarget.place(["shop/web"], [inside]) }
    #expect(error?.remedy == "Send them through the cluster: --service web -n shop.")
  }

  @Test(arguments: [
    "replay", "replay a.har --to x", "replay a.har --to 1 --service web", "replay a.har --ignore a\\b",
    "replay a.har --header x", "watch --replay-to 80", "watch --replay-ignore a", "watch --once --replay a.har",
  ])
  func wrongUsage(line: String) {
    let problem = #expect(throws: (any Error).self) {
      try Devtunnel.parseAsRoot(line.split(separator: " ").map(String.init))
    }
    if let problem { #expect(Devtunnel.exitCode(for: problem) == .validationFailure) }
  }

  @Test func aFileThatIsNoneIsTold() throws {
    let path = FileManager.default.temporaryDirectory.path + "/replay-\(UUID().uuidString).har"
    let missing = #expect(throws: ControlError.self) { try ReplayFile.read(path) }
    #expect(missing?.code == .badInput && missing?.message.contains(path) == true)
    try #"{"log": {"entries": [{}]}}"#.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let wrong = #expect(throws: ControlError.self) { try ReplayFile.read(path) }
    #expect(wrong?.code == .badInput && wrong?.message.contains("log.entries[0].request") == true)
  }
}
