import Deploy
import Manifests
import Testing

@testable import DevLoop

@Suite(.timeLimit(.minutes(1)))
struct FailureTests {
  @Test func aFailedBuildIsToldAndTheNextSaveRecovers() async throws {
    try await Workbench.with { bench, events in
      bench.builder.behaviour = .fail("step 2 failed")
      try await bench.save("bad", to: "app/main")
      let error = try await events.untilFailure()
      #expect(error.stage == .building && error.message == "app: step 2 failed" && error.details == ["the last line"])
      bench.builder.behaviour = .succeed
      try await bench.save("good", to: "app/main")
      try await events.untilWatching()
      #expect(bench.cluster.applies.count == 2)
    }
  }

  @Test func aRefusedObjectIsAppliedAgainAtTheNextSaveWithoutABuild() async throws {
    try await Workbench.with { bench, events in
      bench.cluster.failNextApply(DeployError(.invalid, "no"))
      try await bench.save(Workbench.manifest("app") + "  minReadySeconds: 1\n", to: "k8s.yaml")
      #expect(try await events.untilFailure().stage == .applying)
      try await bench.save(Workbench.manifest("app") + "  minReadySeconds: 2\n", to: "k8s.yaml")
      try await events.untilWatching()
      #expect(bench.builder.builds.count == 1)
      #expect(bench.cluster.applies.count == 3)
    }
  }

  @Test func aPodThatDoesNotBecomeReadyIsToldAndWaitedForAgain() async throws {
    try await Workbench.with { bench, events in
      bench.cluster.failReady(DeployError(.notReady, "it crashes", details: ["exit code 1"]))
      try await bench.save("bad", to: "app/main")
      let error = try await events.untilFailure()
      #expect(error.stage == .waiting && error.details == ["exit code 1"])
      bench.cluster.failReady(nil)
      try await bench.save("good", to: "app/main")
      try await events.until { if case .ready = $0 { true } else { false } }
    }
  }

  @Test func aClusterThatWasAwayGetsEverythingAgainByItself() async throws {
    try await Workbench.with(images: ["app", "other"]) { bench, events in
      bench.cluster.failNextApply(DeployError(.cluster, "it is away"))
      try await bench.save("new", to: "app/main")
      #expect(try await events.untilFailure().message == "it is away")
      try await events.untilWatching()
      #expect(bench.cluster.applies.last == ["Deployment app", "Deployment other"])
      #expect(bench.reads.value == 2)
    }
  }

  @Test func aNamespaceThatHadToBeMadeAgainGetsAllThatWasInIt() async throws {
    try await Workbench.with(images: ["app", "other"]) { bench, events in
      bench.cluster.loseNamespaces(["default"])
      try await bench.save("new", to: "app/main")
      guard case .applied(let event) = try await events.until({ if case .applied = $0 { true } else { false } }) else {
        return
      }
      #expect(event.objects.map(\.object) == ["Namespace default", "Deployment default/app"])
      try await events.untilWatching()
      #expect(Array(bench.cluster.applies.dropFirst()) == [["Deployment app"], ["Deployment other"]])
    }
  }

  @Test func whatCouldNotBeDeletedIsSaid() async throws {
    try await Workbench.with { bench, _ in
      bench.cluster.failDelete(DeployError(.cluster, "it is away"))
      let error = await #expect(throws: LoopError.self) { try await bench.loop.finish(deleting: true) }
      #expect(error?.stage == .cleaningUp && error?.message == "not everything that was deployed is gone: it is away")
      #expect(error?.remedy?.contains("devtunnel delete") == true)
    }
  }

  @Test func whatWasDeletedIsSaidAlsoWhereSomethingCouldNotBe() async throws {
    try await Workbench.with { bench, events in
      var failure = DeployError(.invalid, "deleting it: it must stay")
      failure.deleted = [ObjectID(apiVersion: "v1", kind: "Service", namespace: "default", name: "app")]
      bench.cluster.failDelete(failure)
      await #expect(throws: LoopError.self) { try await bench.loop.finish(deleting: true) }
      guard case .deleted(let event) = try await events.until({ if case .deleted = $0 { true } else { false } }) else {
        return
      }
      #expect(event.objects == ["Service default/app"])
    }
  }
}
