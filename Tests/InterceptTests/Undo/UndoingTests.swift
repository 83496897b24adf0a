import ControlAPI
import Foundation
import InterceptMachine
import KubeAPI
import KubeObjects
import Testing
import TunnelProtocol
import Workloads

@testable import Intercept

/// An object that the cluster does not let go is reported, and stays in the journal until it is gone.
@Suite(.timeLimit(.minutes(1))) struct UndoingTests {
  private static let theirs = ClaimsRecord.text(
    Claims(ports: [8080: Claim(holder: "bob@desk", services: ["web"], count: 9)], count: 9))
  private static let clean = Step.clean(services: ["web"])

  private func isDiverted(_ cluster: FakeCluster) -> Bool {
    cluster["services", "web"]?[path: "spec", "selector"]?.stringMap["devtunnel.dev/agent"] != nil
  }

  @Test("Nothing stays if everything may be deleted")
  func allowed() async throws {
    try await withInterception { test in
      try await test.start()
      #expect(isDiverted(test.cluster))
      #expect(test.cluster.claims.holders == [8080: "alice@laptop"])
      #expect(test.journal.all.count == 1)
      #expect(await test.interception.report().state == .active)
      #expect(await test.interception.whatStays() == nil)

      try await test.interception.leave(drain: .zero) { _ in }
      #expect(!isDiverted(test.cluster))
      #expect(await test.interception.finish() == 0)
      #expect(await test.interception.remains == nil)
      #expect(test.journal.all.isEmpty)
      #expect(test.cluster.names("deployments") == ["web"])
      for kind in ["leases", "configmaps", "secrets"] { #expect(test.cluster.names(kind) == [], "\(kind)") }
      #expect(test.cluster.names("services") == ["web"])
    }
  }

  @Test("An agent that another holder takes over while the API server was away stays theirs")
  func takenOverWhileAway() async throws {
    try await withInterception { test in
      try await test.start()
      test.cluster.setAway(true)
      test.workload.leave("web", drain: .zero)
      #expect(await eventually { await test.interception.remains != nil }, "no answer does not mean that it is ours")
      #expect(await test.interception.remains?.code == .incomplete)
      #expect(test.journal.all.count == 1)
      test.cluster.claim(Self.theirs)
      test.cluster.setAway(false)
      await test.again(.restore(service: "web", always: false))
      _ = await test.interception.finish()
      #expect(test.journal.all.isEmpty)
      #expect(isDiverted(test.cluster))
      #expect(test.cluster.claims.holders == [8080: "bob@desk"])
      #expect(!test.changes("DELETE").contains("devtunnel-web"), "\(test.changes("DELETE"))")
    }
  }

  @Test("An agent that another holder takes over during the drain stays theirs", arguments: [false, true])
  func takenOverDuringDrain(isTaken: Bool) async throws {
    try await withInterception(
      agent: { step, cluster in
        guard case .drain = step, isTaken else { return nil }
        cluster.claim(Self.theirs)
        return .drained(cut: 2)
      },
      { test in
        try await test.start()
        try await test.interception.leave(drain: .zero) { _ in }
        #expect(await test.interception.finish() == (isTaken ? 2 : 0))
        #expect(test.journal.all.isEmpty)
        #expect((test.cluster["deployments", "devtunnel-web"] != nil) == isTaken)
        #expect(test.changes("DELETE").contains("devtunnel-web") != isTaken)
      })
  }

  @Test("A claim that comes right before the agent is deleted saves it")
  func joinedLate() async throws {
    try await withInterception { test in
      try await test.start()
      test.cluster.before("delete deployments") { $0.claim(Self.theirs) }
      try await test.interception.leave(drain: .zero) { _ in }
      _ = await test.interception.finish()
      #expect(test.journal.all.isEmpty)
      #expect(test.cluster.claims.holders == [8080: "bob@desk"])
    }
  }

  @Test(
    "An object that may not be deleted is reported at once, kept, and removed later",
    arguments: ["deployments", "leases"])
  func forbidden(kind: String) async throws {
    try await withInterception { test in
      try await test.start()
      test.cluster.forbid("delete \(kind)")
      try await test.interception.leave(drain: .zero) { _ in }
      let told = try #require(await test.interception.whatStays())
      #expect(told.code == .incomplete)
      #expect(
        told.message.contains(
          kind == "leases" ? "a Lease of devtunnel-web stays" : "Deployment shop/devtunnel-web with what it owns"))
      #expect(told.message.contains("delete \(kind)."))
      #expect(told.remedy?.contains("devtunnel restore -n shop") == true)
      // The process would end now.
      _ = await test.interception.finish(givesUp: true)
      let remains = try #require(await test.interception.remains)
      #expect(remains.message.contains("answered 403"), "\(remains)")
      #expect(await test.interception.report().message?.contains("tried again") == true)
      #expect(await test.interception.report().state == .leaving)
      #expect(!test.journal.all.isEmpty)
      #expect(!isDiverted(test.cluster))

      test.cluster.forbid()
      await test.again(Self.clean)
      _ = await test.interception.finish()
      #expect(await test.interception.remains == nil)
      #expect(test.journal.all.isEmpty)
      #expect(test.cluster.names(kind) == (kind == "leases" ? [] : ["web"]))
    }
  }

  @Test("A Service that may not be given back is an error of leave, and it is tried again")
  func restoreForbidden() async throws {
    try await withInterception { test in
      try await test.start()
      test.cluster.forbid("patch services")
      test.workload.leave("web", drain: .zero)
      #expect(await eventually { await test.interception.remains != nil })
      #expect(await test.interception.remains?.message.contains("answered 403") == true)
      #expect(test.cluster["deployments", "devtunnel-web"] != nil, "a Service selects it")
      #expect(isDiverted(test.cluster) && !test.journal.all.isEmpty)
      test.cluster.forbid()
      await test.again(.restore(service: "web", always: false))
      _ = await test.interception.finish()
      #expect(!isDiverted(test.cluster) && test.journal.all.isEmpty)
      #expect(test.cluster["deployments", "devtunnel-web"] == nil)
    }
  }

  @Test("The garbage collector takes what the Deployment owned", arguments: ["configmaps", "secrets", "services"])
  func owned(kind: String) async throws {
    try await withInterception { test in
      try await test.start()
      test.cluster.forbid("delete \(kind)")
      try await test.interception.leave(drain: .zero) { _ in }
      _ = await test.interception.finish()
      #expect(await test.interception.remains == nil)
      #expect(test.journal.all.isEmpty)
    }
  }

  @Test("A failed start says what stays, with the server's reason")
  func failedStart() async throws {
    try await withInterception(
      agent: { step, _ in
        guard case .probe = step else { return nil }
        return .failed(Failure("the origin refuses", isPassing: false))
      },
      { test in
        test.cluster.forbid("delete deployments")
        let error = await #expect(throws: ControlError.self) { try await test.start() }
        #expect(error?.code == .incomplete)
        #expect(
          error?.message.contains("the origin refuses; it cannot be undone now") == true, "\(String(describing: error))"
        )
        #expect(error?.message.contains("answered 403") == true)
        #expect(error?.message.contains("does not answer") == false)
        #expect(await !test.interception.isUndone)
        test.cluster.forbid()
        await test.again(Self.clean)
        await test.interception.untilUndone()
        #expect(await test.interception.isUndone)
        #expect(test.journal.all.isEmpty && test.cluster.names("deployments") == ["web"])
      })
  }

  @Test("A start that someone else's take-over ends says who it was")
  func takenOverMeanwhile() async throws {
    try await withInterception(
      agent: { step, cluster in
        guard case .admit = step else { return nil }
        cluster.claim(Self.theirs)
        return nil
      },
      { test in
        let error = await #expect(throws: ControlError.self) { try await test.start() }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("bob@desk") == true)
        #expect(!isDiverted(test.cluster))
        #expect(test.cluster.claims.holders == [8080: "bob@desk"])
        #expect(test.journal.all.isEmpty)
      })
  }

  @Test("A set-up that is cancelled while the API server makes its agent leaves nothing")
  func cancelledWhileTheAgentIsMade() async throws {
    try await withInterception { test in
      let (begun, signal) = AsyncStream<Void>.makeStream()
      test.cluster.before("create deployments") { _ in
        signal.yield()
        usleep(500_000)
      }
      let starting = Task { try await test.start() }
      for await _ in begun { break }
      starting.cancel()
      await #expect(throws: ControlError.self) { try await starting.value }
      #expect(await test.interception.isUndone && test.journal.all.isEmpty)
      // As late as the API server could still make something.
      try await Task.sleep(for: .milliseconds(600))
      #expect(test.cluster.names("deployments") == ["web"] && test.cluster.names("leases") == [])
    }
  }

  @Test("A Lease that is being renewed when the intercept ends is not made again")
  func renewedAtTheEnd() async throws {
    try await withInterception { test in
      try await test.start()
      let (moments, signal) = AsyncStream<Void>.makeStream()
      var moment = moments.makeAsyncIterator()
      let name = try #require(test.cluster.names("leases").first)
      test.cluster.delete("leases", name)
      test.cluster.before("create leases") { _ in
        signal.yield()
        usleep(500_000)
        signal.yield()
      }
      await test.workload.renewInBackground()
      await moment.next()
      try await test.interception.leave(drain: .zero) { _ in }
      await test.interception.untilUndone()
      await moment.next()
      try await Task.sleep(for: .milliseconds(100))
      #expect(test.cluster.names("leases") == [], "\(test.server.requests.suffix(8).map { "\($0.method) \($0.path)" })")
    }
  }

  @Test("A Lease that was deleted alone is made again, and nothing is lost with it")
  func deletedLease() async throws {
    try await withInterception { test in
      try await test.start()
      let name = try #require(test.cluster.names("leases").first)
      test.cluster.delete("leases", name)
      await test.workload.renew()
      #expect(await eventually { test.cluster.names("leases") == [name] })
      #expect(await test.interception.report().state == .active)
      #expect(await test.interception.loss == nil)
    }
  }

  @Test("A Lease that may not be renewed is reported until it is renewed")
  func renewal() async throws {
    try await withInterception { test in
      try await test.start()
      test.cluster.forbid("patch leases")
      await test.workload.renew()
      #expect(await eventually { await !test.interception.report().warnings.isEmpty })
      let warnings = await test.interception.report().warnings
      #expect(warnings.count == 1)
      #expect(warnings.first?.contains("Lease shop/devtunnel-web-") == true)
      #expect(warnings.first?.contains("cannot be renewed") == true)
      test.cluster.forbid()
      await test.workload.renew()
      #expect(await eventually { await test.interception.report().warnings == [] })
    }
  }

  @Test("An origin that the agent cannot reach is reported with the second miss, until it answers")
  func originInSight() async throws {
    try await withInterception { test in
      try await test.start()
      func warnings(after status: StreamStatus, addresses: UInt64) async -> [String] {
        await test.workload.note(
          ControlMessage(.probeOrigin, port: 8080, flag: status.rawValue, first: addresses), of: "Deployment/web")
        return await test.interception.report().warnings
      }
      #expect(await warnings(after: .timedOut, addresses: 2) == [])
      #expect(
        await warnings(after: .timedOut, addresses: 2).first?.contains("port 8080 now (timedOut; a NetworkPolicy")
          == true)
      #expect(await warnings(after: .nameNotFound, addresses: 0).first?.contains("(none is ready)") == true)
      #expect(await warnings(after: .connected, addresses: 2) == [])
      #expect(await warnings(after: .refused, addresses: 2) == [])
    }
  }

  @Test("An intercept is refused before anything is made where it could not be undone")
  func refusedBefore() async throws {
    try await withFakeCluster { cluster, client in
      cluster.forbid("delete deployments", "patch leases")
      let refusal = await #expect(throws: ControlError.self) {
        try await Permission.require(Permission.toIntercept, for: "an intercept", client: client, namespace: "shop")
      }
      #expect(refusal?.code == .forbidden)
      #expect(
        refusal?.message.hasSuffix("in namespace shop: delete deployments.apps, patch leases.coordination.k8s.io")
          == true, "\(String(describing: refusal))")
      try await Permission.require(
        [Permission("delete", .leases)], for: "an intercept", client: client, namespace: "shop")
    }
  }
}
