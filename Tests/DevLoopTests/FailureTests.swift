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

  @Test("A variable that is not set ends a loop that has deployed nothing, and is not tried again")
  func missingVariable() async throws {
    let reads = Workbench.Counter()
    let source = LoopSource(files: ["/nonexistent/skaffold.yaml"]) { () async throws(LoopError) in
      reads.add()
      var missing = Diagnostic(
        .error, "the variable WHO is not set", at: SourcePosition(file: "skaffold.yaml", line: 7))
      missing.needsEnvironment = true
      throw LoopError(InputError([missing]))
    } parts: { _ async throws(LoopError) in
      throw LoopError(.cluster, "nothing is deployed")
    }
    var options = LoopOptions(environment: [:])
    options.retryAfter = .milliseconds(1)
    let loop = DevLoop(source, options: options) { _ in }
    let error = await #expect(throws: LoopError.self) { try await loop.run() }
    #expect(error?.message == "the variable WHO is not set" && error?.position == "skaffold.yaml:7")
    #expect(reads.value == 1)
  }

  @Test("A variable that a later skaffold.yaml needs is reported once, and the loop goes on")
  func missingVariableLater() async throws {
    try await Workbench.with { bench, events in
      try await bench.save("unset", to: "skaffold.yaml")
      #expect(try await events.untilFailure().message == "the variable WHO is not set")
      let reads = bench.reads.value
      try await Task.sleep(for: .milliseconds(50))
      #expect(bench.reads.value == reads)
      try await bench.save("good", to: "skaffold.yaml")
      try await events.untilWatching()
    }
  }

  @Test("An object that is refused hides none of those that were applied")
  func partlyApplied() async throws {
    try await Workbench.with(images: ["app", "other"]) { bench, events in
      let id = ObjectID(apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "app")
      var refusal = DeployError(.invalid, "no")
      refusal.applied = Applied(
        objects: [
          AppliedObject(
            id: id, resource: .deployments, uid: "u", generation: 2, resourceVersion: "2", change: .changed,
            position: nil)
        ])
      bench.cluster.failNextApply(refusal)
      let replicas = { (name: String) in Workbench.manifest(name) + "  minReadySeconds: 1\n" }
      try await bench.save(replicas("app") + "---\n" + replicas("other"), to: "k8s.yaml")
      guard case .applied(let event) = try await events.until({ if case .applied = $0 { true } else { false } }) else {
        return
      }
      #expect(event.objects == [.init(object: "Deployment default/app", change: "changed")])
      #expect(try await events.untilFailure().message == "no")
      // Only the other one is left.
      try await bench.save(replicas("app") + "---\n" + replicas("other") + "\n", to: "k8s.yaml")
      try await events.untilWatching()
      #expect(bench.cluster.applies.last == ["Deployment other"])
    }
  }

  @Test("A program that ends at once is no success of --once")
  func endsAtOnce() async throws {
    try await Workbench.with { bench, _ in
      bench.cluster.failSettling(DeployError(.notReady, "0 of 1 ready: it ended"))
      let error = await #expect(throws: LoopError.self) { try await bench.loop.runOnce() }
      #expect(error?.stage == .running && error?.message == "0 of 1 ready: it ended")
      bench.cluster.failSettling(nil)
      try await bench.loop.runOnce()
    }
  }

  @Test("Each mistake has its own remedy behind it")
  func remedies() {
    let error = LoopError(
      InputError([
        Diagnostic(.error, "one", remedy: "mend one"), Diagnostic(.warning, "unusual"),
        Diagnostic(.error, "two", remedy: "mend two"),
      ]))
    #expect(error.description == "one\nmend one\ntwo; mend two")
    var refused = DeployError(.invalid, "one", remedy: "mend one")
    refused.others = [DeployError(.invalid, "two", remedy: "mend two")]
    #expect(LoopError(refused).description == "one\nmend one\ntwo\n  mend two")
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
