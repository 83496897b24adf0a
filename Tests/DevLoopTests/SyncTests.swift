import Deploy
import Testing
import Watching

@testable import DevLoop

@Suite(.timeLimit(.minutes(1)))
struct SyncTests {
  @Test func filesOfASyncRuleAreCopiedWithoutABuild() async throws {
    try await Workbench.with { bench, events in
      try await bench.save("new", to: "app/src/page.html")
      #expect(try await events.untilChanged().action == .sync)
      try await events.untilWatching()
      #expect(
        bench.cluster.synced == [[FileChange(source: bench.path("app/src/page.html"), destination: "/srv/page.html")]])
      #expect(bench.builder.builds.count == 1)
    }
  }

  @Test("A file that matches sync.infer goes to where the Dockerfile copies it, and others are built")
  func inferred() async throws {
    try await Workbench.with(infers: true) { bench, events in
      try await bench.save("new", to: "app/src/page.html")
      #expect(try await events.untilChanged().action == .sync)
      try await events.untilWatching()
      #expect(
        bench.cluster.synced == [[FileChange(source: bench.path("app/src/page.html"), destination: "/src/page.html")]])
      try await bench.save("new", to: "app/src/page.css")
      #expect(try await events.untilChanged().action == .build)
      try await events.untilWatching()
    }
  }

  @Test func oneFileOfNoRuleMeansABuild() async throws {
    try await Workbench.with { bench, events in
      await bench.loop.accept(ChangeBatch(paths: [bench.path("app/src/page.html"), bench.path("app/main")]))
      #expect(try await events.untilChanged().action == .build)
      try await events.untilWatching()
      #expect(bench.cluster.synced.isEmpty && bench.builder.builds.count == 2)
    }
  }

  @Test func aContainerThatCannotTakeFilesMeansABuild() async throws {
    try await Workbench.with { bench, events in
      bench.cluster.failSync(DeployError(.needsBuild, "there is no tar"))
      try await bench.save("new", to: "app/src/page.html")
      let warning = try await events.until { if case .warning = $0 { true } else { false } }
      #expect(warning == .warning(.init(message: "app cannot be synced and is built instead: there is no tar")))
      try await events.untilWatching()
      #expect(bench.builder.builds == [["app"], ["app"]])
    }
  }

  @Test func aDeploymentAfterASyncBuildsWhatWasSynced() async throws {
    try await Workbench.with { bench, events in
      try await bench.save("new", to: "app/src/page.html")
      try await events.untilWatching()
      try await bench.save(Workbench.manifest("app") + "  minReadySeconds: 1\n", to: "k8s.yaml")
      try await events.untilWatching()
      #expect(bench.builder.builds == [["app"], ["app"]])
    }
  }

  @Test func aFileThatIsGoneIsCountedAsRemoved() async throws {
    try await Workbench.with { bench, events in
      await bench.loop.accept(ChangeBatch(paths: [], deleted: [bench.path("app/src/page.html")]))
      guard case .synced(let event) = try await events.until({ if case .synced = $0 { true } else { false } }) else {
        return
      }
      #expect(event.files == 0 && event.removed == 1)
    }
  }

  @Test func theContainersArePreparedForTheFirstSync() async throws {
    try await Workbench.with { bench, _ in
      while bench.cluster.prepared.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      #expect(bench.cluster.prepared[0].count == 1 && bench.cluster.prepared[0][0].hasPrefix("app:devtunnel-"))
    }
  }
}
