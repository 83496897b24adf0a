import Deploy
import Skaffold
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

  @Test("Hooks run before and after a sync, in its containers and on this machine")
  func hooks() async throws {
    let hooks = StepHooks(
      before: [.container(ContainerHook(command: ["stop"]))],
      after: [
        .host(HostHook(command: ["sh", "-c", "echo $SKAFFOLD_FILES_ADDED_OR_MODIFIED"], directory: "/")),
        .container(ContainerHook(command: ["start", "it"])), .container(ContainerHook(command: ["nobody"])),
      ])
    try await Workbench.with(syncHooks: hooks) { bench, events in
      try await bench.save("new", to: "app/src/page.html")
      var lines: [String] = []
      var warnings: [String] = []
      try await events.until { event in
        if case .buildOutput(let output) = event { lines.append("\(output.artifact): \(output.line)") }
        if case .warning(let warning) = event { warnings.append(warning.message) }
        if case .watching = event { return true }
        return false
      }
      #expect(
        lines == [
          "before sync: reloaded", "after sync: \(bench.path("app/src/page.html"))", "after sync: reloaded",
          "after sync: reloaded",
        ])
      #expect(warnings == ["no container runs that the hook `nobody` is for"])
      #expect(
        bench.cluster.commands.map { $0.replacing("devtunnel-app1", with: "1") } == [
          "stop, app:1, each time, 0 syncs", "start it, app:1, each time, 1 syncs", "nobody, app:1, each time, 1 syncs",
        ])
    }
  }

  @Test("A hook that fails is reported, and the files are synced once more at the next save")
  func failedHook() async throws {
    let hooks = StepHooks(after: [.container(ContainerHook(command: ["false"]))])
    try await Workbench.with(syncHooks: hooks) { bench, events in
      try await bench.save("new", to: "app/src/page.html")
      let error = try await events.untilFailure()
      #expect(error.stage == .syncing && error.message == "it ended with status 1")
      try await bench.save("newer", to: "app/src/page.html")
      #expect(try await events.untilChanged().action == .sync)
      _ = try await events.untilFailure()
      #expect(bench.cluster.synced.count == 2)
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
