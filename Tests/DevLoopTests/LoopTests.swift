import Deploy
import FoundationEssentials
import KubeObjects
import Testing
import Watching

@testable import DevLoop

@Suite(.timeLimit(.minutes(1)))
struct LoopTests {
  @Test func theFirstRoundBuildsAndDeploysWithTheImmutableReference() async throws {
    try await Workbench.with { bench, _ in
      #expect(bench.builder.builds == [["app"]])
      #expect(bench.cluster.applies == [["Deployment app"]])
      let container = bench.cluster.manifests[0][0].object[path: "spec", "template", "spec", "containers"]?[0]
      #expect(container?["image"]?.stringValue == "app:devtunnel-app1")
      #expect(container?["imagePullPolicy"]?.stringValue == "IfNotPresent")
      #expect(bench.cluster.kept.first?.first?.namespace == "default")
    }
  }

  @Test func aSavedSourceIsBuiltAndOnlyChangedObjectsAreApplied() async throws {
    try await Workbench.with(images: ["app", "other"]) { bench, events in
      try await bench.save("new", to: "app/main")
      #expect(try await events.untilChanged().action == .build)
      try await events.untilWatching()
      #expect(bench.builder.builds == [["app", "other"], ["app"]])
      #expect(bench.cluster.applies == [["Deployment app", "Deployment other"], ["Deployment app"]])
      #expect(bench.reads.value == 1)
    }
  }

  @Test func whatIsBuiltFromAnImageIsBuiltWithIt() async throws {
    try await Workbench.with(images: ["base", "app", "other"], requires: ["app": "base"]) { bench, events in
      try await bench.save("new", to: "base/main")
      try await events.untilWatching()
      #expect(bench.builder.builds.last == ["base", "app"])
    }
  }

  @Test func aChangeDuringABuildReplacesIt() async throws {
    try await Workbench.with(images: ["app", "other"]) { bench, events in
      bench.builder.behaviour = .hang
      try await bench.save("new", to: "app/main")
      await bench.builder.hanging.untilHeld()
      bench.builder.behaviour = .succeed
      _ = try await events.untilChanged()
      try await bench.save("new", to: "other/main")
      let change = try await events.untilChanged()
      #expect(change.restarts && change.action == .build)
      try await events.untilWatching()
      #expect(bench.builder.cancelled == 1)
      // The artifact of the cancelled build is built too.
      #expect(bench.builder.builds.suffix(2) == [["app"], ["app", "other"]])
    }
  }

  @Test func imagesOfEarlierSavesGoOnceTheirSuccessorIsReady() async throws {
    try await Workbench.with(images: ["app"]) { bench, events in
      await bench.loop.pruned()
      #expect(bench.builder.pruned == [["app 1"]])
      bench.cluster.failReady(DeployError(.notReady, "it crashes"))
      try await bench.save("new", to: "app/main")
      _ = try await events.untilFailure()
      await bench.loop.pruned()
      #expect(bench.builder.pruned.count == 1)
      bench.cluster.failReady(nil)
      try await bench.save("newer", to: "app/main")
      try await events.untilWatching()
      await bench.loop.pruned()
      #expect(bench.builder.pruned.count == 2)
    }
  }

  @Test func aFileThatNothingUsesChangesNothing() async throws {
    try await Workbench.with { bench, _ in
      await bench.loop.accept(ChangeBatch(paths: [bench.path("README.md"), bench.path("app/notes.txt")]))
      #expect(await bench.loop.state == .idle)
      #expect(bench.builder.builds.count == 1)
    }
  }

  @Test func changedManifestsAreRenderedAndNothingIsBuilt() async throws {
    try await Workbench.with { bench, events in
      try await bench.save(Workbench.manifest("app") + "  minReadySeconds: 1\n", to: "k8s.yaml")
      #expect(try await events.untilChanged().action == .deploy)
      try await events.untilWatching()
      #expect(bench.builder.builds.count == 1)
      #expect(bench.cluster.manifests.last?.first?.object[path: "spec", "minReadySeconds"]?.intValue == 1)
    }
  }

  @Test func whatLeavesTheManifestsIsPruned() async throws {
    try await Workbench.with(images: ["app", "other"]) { bench, events in
      try await bench.save(Workbench.manifest("app"), to: "k8s.yaml")
      try await events.untilWatching()
      #expect(bench.cluster.kept.last?.map(\.name) == ["app"])
      #expect(bench.cluster.applies.count == 1)
    }
  }

  @Test func theConfigurationIsReadAgainWhenItChanges() async throws {
    try await Workbench.with { bench, events in
      try await bench.save("broken", to: "skaffold.yaml")
      #expect(try await events.untilFailure().message == "it is broken")
      try await bench.save("good", to: "skaffold.yaml")
      try await events.untilWatching()
      #expect(bench.reads.value >= 3, "at the start, broken, and good; what is broken is read again meanwhile")
    }
  }

  @Test("A profile that several configurations have is reported once")
  func profiles() {
    #expect(DevLoop.unique(["staging", "local", "staging"]) == ["staging", "local"] && DevLoop.unique([]).isEmpty)
  }

  @Test func lostEventsMeanThatEverythingMayHaveChanged() async throws {
    try await Workbench.with { bench, events in
      await bench.loop.accept(ChangeBatch(overflowed: true))
      #expect(try await events.untilChanged().action == .reload)
      try await events.untilWatching()
      #expect(bench.builder.builds == [["app"], ["app"]])
    }
  }

  @Test func theEndDeletesWhatWasDeployed() async throws {
    try await Workbench.with { bench, _ in
      try await bench.loop.finish(deleting: false)
      #expect(!bench.cluster.isDeleted)
      try await bench.loop.finish(deleting: true)
      #expect(bench.cluster.isDeleted)
    }
  }

  @Test func itRunsOnRealFilesUntilItIsCancelled() async throws {
    try await Workbench.with { bench, events in
      let running = Task { try await bench.loop.run() }
      try await events.untilWatching()
      try "edited".write(toFile: bench.path("app/main"), atomically: true, encoding: .utf8)
      #expect(try await events.untilChanged().paths == [bench.path("app/main")])
      try await events.untilWatching()
      running.cancel()
      try await running.value
    }
  }

  @Test func changesThatKeepComingAreWaitedForBeforeTheNextBuild() async throws {
    try await Workbench.with(holdsPauses: true) { bench, _ in
      bench.builder.behaviour = .hang
      for number in 1...2 {
        try await bench.save("\(number)", to: "app/main")
        await bench.builder.hanging.untilHeld()
      }
      for number in 3...6 {
        try await bench.save("\(number)", to: "app/main")
        await bench.pausing.untilHeld()
      }
      // The first round's and the first two saves'.
      #expect(bench.builder.builds.count == 3 && bench.builder.cancelled == 2)
      #expect(bench.pauses.all == [.milliseconds(80), .milliseconds(160), .milliseconds(320), .milliseconds(640)])
    }
  }

  @Test(
    "A configuration is read again only when its files have come to rest",
    arguments: [
      (0, false, 0), (1, false, 0), (2, false, 80), (6, false, 1000), (0, true, 0), (1, true, 300), (3, true, 300),
      (5, true, 640), (9, true, 1000),
    ])
  func pauses(cutShort: Int, reloads: Bool, milliseconds: Int) {
    #expect(DevLoop.pause(cutShort, reloads: reloads) == .milliseconds(milliseconds))
  }

  @Test func afterThePauseAllIsBuiltAtOnce() async throws {
    try await Workbench.with(images: ["app", "other"]) { bench, events in
      bench.builder.behaviour = .hang
      for image in ["app", "other"] {
        try await bench.save("new", to: "\(image)/main")
        await bench.builder.hanging.untilHeld()
      }
      bench.builder.behaviour = .succeed
      try await bench.save("newer", to: "app/main")
      try await events.untilWatching()
      #expect(bench.builder.builds.last == ["app", "other"])
      #expect(bench.cluster.applies.count == 2)
    }
  }

  @Test func twoSavesInARowAreBuiltAtOnce() {
    #expect(
      [0, 1, 2, 3, 5, 100].map { DevLoop.pause($0) } == [
        .zero, .zero, .milliseconds(80), .milliseconds(160), .milliseconds(640), .seconds(1),
      ])
  }
}
