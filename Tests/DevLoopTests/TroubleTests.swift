import Deploy
import Manifests
import Testing
import Watching

@testable import DevLoop

@Suite(.timeLimit(.minutes(1)))
struct TroubleTests {
  private let workload = ObjectID(apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "app")

  private func untilWatched(_ bench: Workbench, _ count: Int) async throws {
    while bench.cluster.watches < count { try await Task.sleep(for: .milliseconds(5)) }
  }

  @Test func aCrashAfterItWasReadyIsToldAndSoIsItsEnd() async throws {
    try await Workbench.with { bench, events in
      try await untilWatched(bench, 1)
      bench.cluster.tell(
        .failing(
          DeployError(.notReady, "0 of 1 ready: crashes", object: workload, details: ["log of main: no database"])))
      let error = try await events.untilFailure()
      #expect(
        error.stage == .running && error.message.contains("crashes") && error.details == ["log of main: no database"])
      bench.cluster.tell(.recovered(workload))
      let event = try await events.until { if case .recovered = $0 { true } else { false } }
      #expect(event == .recovered(.init(object: "Deployment default/app")))
    }
  }

  @Test func aDeploymentIsWatchedAnewAndASyncIsNot() async throws {
    try await Workbench.with { bench, events in
      try await untilWatched(bench, 1)
      try await bench.save("new", to: "app/src/page.html")
      try await events.untilWatching()
      #expect(bench.cluster.watches == 1)
      try await bench.save("new", to: "app/main")
      try await events.untilWatching()
      try await untilWatched(bench, 2)
    }
  }
}
