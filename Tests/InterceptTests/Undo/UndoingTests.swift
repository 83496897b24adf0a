import Agents
import ControlAPI
import KubeAPI
import KubeObjects
import Synchronization
import Testing
import TunnelProtocol

@testable import Intercept

/// An object that the cluster does not let go is reported, and stays in the journal until it is gone.
@Suite(.timeLimit(.minutes(1))) struct UndoingTests {
  /// A cluster with the agent `devtunnel-web`, where some verbs are not allowed.
  private final class Cluster: Sendable {
    struct State {
      var forbidden: Set<String>
      var gone: Set<String> = []
      var holder = "alice@laptop"
      var transitions = 1
    }
    let state: Mutex<State>

    init(forbidden: Set<String>) { state = Mutex(State(forbidden: forbidden)) }

    func lose(_ kind: String) { state.withLock { _ = $0.gone.insert(kind) } }

    /// Another holder takes the Lease.
    func takeOver() { state.withLock { ($0.holder, $0.transitions) = ("bob@desk", 2) } }

    func allow() { state.withLock { $0.forbidden = [] } }

    func answer(_ request: FakeAPIServer.Request) -> (status: Int, body: JSONValue) {
      let parts = request.path.split(separator: "/").map(String.init)
      let verb = ["GET": "get", "PUT": "update", "DELETE": "delete"][request.method] ?? ""
      if parts.last == "selfsubjectaccessreviews" {
        let asked = request.body?[path: "spec", "resourceAttributes"]
        let permission = "\(asked?["verb"]?.stringValue ?? "") \(asked?["resource"]?.stringValue ?? "")"
        return (201, ["status": ["allowed": JSONValue.bool(state.withLock { !$0.forbidden.contains(permission) })]])
      }
      let kind = parts.count > 2 ? parts[parts.count - 2] : ""
      return state.withLock { state in
        if state.forbidden.contains("\(verb) \(kind)") {
          let message = "\(kind) is forbidden: User \"alice\" cannot \(verb) resource \"\(kind)\""
          return (403, ["kind": "Status", "reason": "Forbidden", "code": 403, "message": JSONValue(message)])
        }
        if state.gone.contains(kind) {
          return (404, ["kind": "Status", "reason": "NotFound", "code": 404, "message": "not found"])
        }
        if verb == "delete" { state.gone.insert(kind) }
        return (200, kind == "leases" ? Self.lease(state.holder, state.transitions) : Self.object(parts.last ?? ""))
      }
    }

    private static func object(_ name: String) -> JSONValue {
      [
        "metadata": [
          "name": JSONValue(name), "uid": "u1", "annotations": ["devtunnel.dev/workload": "web"],
          "ownerReferences": [["kind": "Deployment", "uid": "u1"]],
        ]
      ]
    }

    private static func lease(_ holder: String, _ transitions: Int) -> JSONValue {
      [
        "metadata": ["name": "devtunnel-web", "uid": "l1"],
        "spec": ["holderIdentity": JSONValue(holder), "leaseTransitions": JSONValue(transitions)],
      ]
    }
  }

  private func with(_ cluster: Cluster, _ body: (Interception, Journal) async throws -> Void) async throws {
    let server = FakeAPIServer { cluster.answer($0) }
    defer { server.stop() }
    try await withInterception(server, body)
  }

  @Test("Nothing stays if everything may be deleted")
  func allowed() async throws {
    try await with(Cluster(forbidden: [])) { interception, journal in
      #expect(await interception.whatStays() == nil)
      #expect(await interception.finish(drain: .zero) == 0)
      #expect(await interception.remains == nil)
      #expect(journal.all.isEmpty)
    }
  }

  @Test("An agent that another holder takes over while the API server was away stays theirs")
  func takenOverWhileAway() async throws {
    let cluster = Cluster(forbidden: [])
    let isAway = Mutex(true)
    let server = FakeAPIServer { request in
      guard isAway.withLock({ $0 }) else { return cluster.answer(request) }
      return (503, ["kind": "Status", "reason": "ServiceUnavailable", "code": 503, "message": "away"])
    }
    defer { server.stop() }
    try await withInterception(server) { interception, journal in
      #expect(await !interception.tearDown(), "no answer does not mean that it is ours")
      #expect(!journal.all.isEmpty)
      cluster.takeOver()
      isAway.withLock { $0 = false }
      #expect(await interception.tearDown())
      #expect(await interception.isLost && journal.all.isEmpty)
      #expect(!server.requests.contains { $0.method == "DELETE" }, "\(server.requests.map(\.path))")
    }
  }

  @Test("Without the right to renew the Lease, its content says whose the agent is", arguments: [false, true])
  func leaseMayNotBeRenewed(isTaken: Bool) async throws {
    let cluster = Cluster(forbidden: ["update leases"])
    try await with(cluster) { interception, _ in
      if isTaken { cluster.takeOver() }
      #expect(await interception.tearDown())
      #expect(await interception.isLost == isTaken)
    }
    #expect(cluster.state.withLock { $0.gone.contains("deployments") } != isTaken)
  }

  @Test("An agent that another holder takes over during the drain stays theirs", arguments: [false, true])
  func takenOverDuringDrain(isTaken: Bool) async throws {
    let cluster = Cluster(forbidden: [])
    let server = FakeAPIServer { cluster.answer($0) }
    defer { server.stop() }
    try await withInterception(server) { interception, journal in
      if isTaken { cluster.takeOver() }
      #expect(await interception.finish(drain: .zero) == 0)
      #expect(await interception.isLost == isTaken)
      #expect(journal.all.isEmpty)
      let deleted = server.requests.filter { $0.method == "DELETE" }.map(\.path)
      #expect(deleted.isEmpty == isTaken, "\(deleted)")
    }
  }

  @Test(
    "An object that may not be deleted is reported at once, kept, and removed later",
    arguments: ["deployments", "leases"])
  func forbidden(kind: String) async throws {
    let cluster = Cluster(forbidden: ["delete \(kind)"])
    try await with(cluster) { interception, journal in
      let told = try #require(await interception.whatStays())
      #expect(told.code == .incomplete)
      #expect(
        told.message.contains(
          kind == "leases" ? "Lease shop/devtunnel-web stays" : "Deployment shop/devtunnel-web with what it owns"))
      #expect(told.message.contains("delete \(kind)."))
      #expect(told.remedy?.contains("devtunnel restore -n shop") == true)
      await interception.giveUp()
      _ = await interception.finish(drain: .zero)
      #expect(await interception.remains?.message.contains("answered 403") == true)
      #expect(await interception.report().message?.contains("tried again") == true)
      #expect(!journal.all.isEmpty)

      cluster.allow()
      #expect(await interception.tearDown())
      #expect(await interception.remains == nil)
      #expect(journal.all.isEmpty)
    }
  }

  @Test("The garbage collector takes what the Deployment owned", arguments: ["configmaps", "secrets", "services"])
  func owned(kind: String) async throws {
    try await with(Cluster(forbidden: ["delete \(kind)"])) { interception, journal in
      _ = await interception.finish(drain: .zero)
      #expect(await interception.remains == nil)
      #expect(journal.all.isEmpty)
    }
  }

  @Test("A failed start says what stays, soon and with the server's reason")
  func failedStart() async throws {
    let cluster = Cluster(forbidden: ["delete deployments"])
    try await with(cluster) { interception, _ in
      let told = await interception.undone(after: ControlError(.cancelled, "cancelled"))
      #expect(told.code == .incomplete)
      #expect(told.message.contains("cancelled; it cannot be undone now: Deployment shop/devtunnel-web"))
      #expect(told.message.contains("answered 403"))
      #expect(!told.message.contains("does not answer"))
      #expect(await !interception.isUndone)
      let again = await #expect(throws: ControlError.self) { try await interception.leave { _ in } }
      #expect(again?.message.contains("is still being undone: Deployment shop/devtunnel-web") == true)
      cluster.allow()
      await interception.untilUndone()
      #expect(await interception.isUndone)
    }
  }

  @Test("A Lease that was deleted alone leaves the intercept ours, as long as its agent stands")
  func deletedLease() async throws {
    let cluster = Cluster(forbidden: [])
    try await with(cluster) { interception, journal in
      await interception.remember(agent: "u1")
      cluster.lose("leases")
      #expect(await interception.renewNow())
      #expect(await !interception.isLost)
      #expect(
        await interception.report().warnings.first?.contains("someone deleted Lease shop/devtunnel-web") == true
      )
      #expect(!journal.all.isEmpty)
      cluster.lose("deployments")
      #expect(await !interception.renewNow())
      #expect(await interception.isLost)
    }
  }

  @Test("Another's agent is not ours, Lease or none")
  func deletedLeaseOfAnother() async throws {
    let cluster = Cluster(forbidden: [])
    try await with(cluster) { interception, _ in
      await interception.remember(agent: "u2")
      cluster.lose("leases")
      #expect(await !interception.renewNow())
    }
  }

  @Test("A start that someone else's take-over ends says who it was")
  func takenOverMeanwhile() async throws {
    let cluster = Cluster(forbidden: [])
    try await with(cluster) { interception, _ in
      await interception.lost()
      let closed = ControlError(.cancelled, "the tunnel was closed")
      let told = await interception.undone(after: closed)
      #expect(told.code == .conflict)
      #expect(told.message == "alice@laptop has taken this intercept over")
      let interrupted = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return await interception.undone(after: closed)
      }
      #expect(await interrupted.value == closed)
    }
  }

  @Test("A Lease that may not be renewed is reported until it is renewed")
  func renewal() async throws {
    let cluster = Cluster(forbidden: ["update leases"])
    try await with(cluster) { interception, _ in
      #expect(await interception.renewNow())
      let warnings = await interception.report().warnings
      #expect(warnings.count == 1)
      #expect(warnings.first?.contains("Lease shop/devtunnel-web cannot be renewed") == true)
      cluster.allow()
      #expect(await interception.renewNow())
      #expect(await interception.report().warnings.isEmpty)
    }
  }

  @Test("An origin that the agent cannot reach is reported with the second miss, until it answers")
  func originInSight() async throws {
    try await with(Cluster(forbidden: [])) { interception, _ in
      func warnings(after status: StreamStatus, addresses: UInt64) async -> [String] {
        await interception.noteOrigin(
          ControlMessage(.probeOrigin, port: 8080, flag: status.rawValue, first: addresses), of: "Deployment/web")
        return await interception.report().warnings
      }
      #expect(await warnings(after: .timedOut, addresses: 2).isEmpty)
      #expect(
        await warnings(after: .timedOut, addresses: 2).first?.contains("port 8080 now (timedOut; a NetworkPolicy")
          == true)
      #expect(await warnings(after: .nameNotFound, addresses: 0).first?.contains("(none is ready)") == true)
      #expect(await warnings(after: .connected, addresses: 2).isEmpty)
      #expect(await warnings(after: .refused, addresses: 2).isEmpty)
    }
  }

  @Test("An intercept is refused before anything is made where it could not be undone")
  func refusedBefore() async throws {
    let cluster = Cluster(forbidden: ["delete deployments", "update leases"])
    let server = FakeAPIServer { cluster.answer($0) }
    defer { server.stop() }
    let client = try server.client()
    let refusal = await #expect(throws: ControlError.self) {
      try await Permission.require(Permission.toIntercept, for: "an intercept", client: client, namespace: "shop")
    }
    #expect(refusal?.code == .forbidden)
    #expect(
      refusal?.message.hasSuffix("in namespace shop: delete deployments.apps, update leases.coordination.k8s.io")
        == true)
    try await Permission.require(
      [Permission("delete", .leases)], for: "an intercept", client: client, namespace: "shop")
  }
}
