import Agents
import ControlAPI
import Foundation
import KubeObjects
import Synchronization
import Testing

@testable import Intercept

/// Two people as `root@localhost`, each with an installation of their own.
@Suite(.timeLimit(.minutes(1))) struct HolderLeaseTests {
  private static let mine = Holder(name: "root@localhost", installation: String(repeating: "1a", count: 16))
  private static let theirs = Holder(name: "root@localhost", installation: String(repeating: "2b", count: 16))
  private static let alone = Holder(name: "root@localhost", installation: nil)

  private static func lease(_ holder: Holder, renewed: Date = Date(), transitions: JSONValue = 4) -> JSONValue {
    [
      "metadata": [
        "name": "devtunnel-web", "uid": "l", "resourceVersion": "1",
        "annotations": ["devtunnel.dev/workload": "web", "devtunnel.dev/service": "web"],
      ],
      "spec": [
        "holderIdentity": JSONValue(holder.identity), "leaseDurationSeconds": 30, "leaseTransitions": transitions,
        "acquireTime": JSONValue(Timestamp.micro(renewed)),
        "renewTime": JSONValue(Timestamp.micro(renewed)),
      ],
    ]
  }

  /// Returns the written Lease, or the reason why nothing was written.
  /// - Parameter later: what the Lease says from the second look on; nil where it stays as it is.
  private func acquire(
    _ lease: JSONValue, later: JSONValue? = nil, journaled: Bool = false, takeOver: Bool = false
  ) async throws -> (Result<UInt64, ControlError>, written: JSONValue?) {
    let isLooked = Mutex(false)
    let server = FakeAPIServer { request in
      guard request.method == "GET" else { return (200, request.body ?? [:]) }
      let isFirst = isLooked.withLock { isLooked in
        defer { isLooked = true }
        return !isLooked
      }
      return (200, isFirst ? lease : later ?? lease)
    }
    defer { server.stop() }
    var mine = WorkloadLease(
      client: try server.client(), namespace: "shop", workload: "web", service: "web", holder: Self.mine)
    mine.isJournaled = journaled
    mine.looks = LeaseLooks(interval: .milliseconds(50))
    do throws(ControlError) {
      let transitions = try await mine.acquire(takeOver: takeOver)
      return (.success(transitions), server.requests.first { $0.method == "PUT" }?.body)
    } catch {
      return (.failure(error), server.requests.first { $0.method != "GET" }?.body)
    }
  }

  @Test("A fresh Lease of another installation of our name is not taken silently")
  func sameName() async throws {
    let (outcome, written) = try await acquire(Self.lease(Self.theirs))
    guard case .failure(let error) = outcome else { Issue.record("it was taken"); return }
    #expect(error.code == .conflict && written == nil)
    #expect(error.message.contains("root@localhost (another installation of that name)"))
    #expect(!error.message.contains("2b2b"), "the id is not for people")
    // Not by what our journal says, either: it is another's.
    #expect((try await acquire(Self.lease(Self.theirs), journaled: true)).written == nil)
    let taken = try await acquire(Self.lease(Self.theirs), takeOver: true)
    #expect(taken.written?[path: "spec", "holderIdentity"]?.stringValue == Self.mine.identity)
  }

  @Test("Ours is taken again, and anybody's once it is stale")
  func ours() async throws {
    #expect(try (try await acquire(Self.lease(Self.mine))).0.get() == 5)
    #expect(try (try await acquire(Self.lease(Self.theirs, renewed: Date() - 31))).0.get() == 5)
  }

  @Test("A holder who renews by a slow clock keeps the Lease, except from --take-over")
  func slowClock() async throws {
    let (now, renewed) = (
      Self.lease(Self.theirs, renewed: Date() - 300), Self.lease(Self.theirs, renewed: Date() - 290)
    )
    let (outcome, written) = try await acquire(now, later: renewed)
    guard case .failure(let error) = outcome else { Issue.record("it was taken"); return }
    #expect(error.code == .conflict && written == nil)
    #expect(try (try await acquire(now, later: renewed, takeOver: true)).0.get() == 5)
    // Nor does restore undo it.
    let (report, changes) = try await restored(now, later: renewed)
    #expect(changes == [] && report.left.count == 1, "\(report)")
    #expect(try await restored(now, later: renewed, force: true).changes.contains("PATCH services/web"))
  }

  @Test("A take-over looks once, and does not wait")
  func immediate() async throws {
    let server = FakeAPIServer { request in
      (200, request.method == "GET" ? Self.lease(Self.theirs, renewed: Date() - 300) : request.body ?? [:])
    }
    defer { server.stop() }
    let lease = WorkloadLease(
      client: try server.client(), namespace: "shop", workload: "web", service: "web", holder: Self.mine)
    let start = ContinuousClock.now
    #expect(try await lease.acquire(takeOver: true) == 5)
    #expect(.now - start < LeaseLooks.interval && server.requests.count == 2)
  }

  @Test("A former version wrote the name alone: ours where our journal says so, or once it is stale")
  func former() async throws {
    #expect((try await acquire(Self.lease(Self.alone))).written == nil)
    #expect(try (try await acquire(Self.lease(Self.alone), journaled: true)).0.get() == 5)
    #expect(try (try await acquire(Self.lease(Self.alone, renewed: Date() - 31))).0.get() == 5)
    #expect(
      (try await acquire(Self.lease(Holder(name: "bob@desk", installation: nil)), journaled: true)).written == nil)
  }

  @Test(
    "Neither its times nor its count keep anybody out",
    arguments: [.int(-1), .int(2_147_483_647), .int(.max), "x"] as [JSONValue])
  func blocked(transitions: JSONValue) async throws {
    let (outcome, written) = try await acquire(
      Self.lease(Self.theirs, renewed: Date() + 86_400 * 3650, transitions: transitions))
    #expect(try outcome.get() == 1)
    #expect(written?[path: "spec", "leaseTransitions"] == 1)
  }

  @Test("A Lease that we hold as another installation is not renewed and not given up")
  func another() async throws {
    let server = FakeAPIServer { request in
      request.method == "GET" ? (200, Self.lease(Self.theirs)) : (200, request.body ?? [:])
    }
    defer { server.stop() }
    let lease = WorkloadLease(
      client: try server.client(), namespace: "shop", workload: "web", service: "web", holder: Self.mine)
    #expect(try await lease.renew(transitions: 4) == false)
    try await lease.release(transitions: 4)
    #expect(server.requests.allSatisfy { $0.method == "GET" })
  }

  // MARK: restore

  /// A diverted Service, the agent's Deployment, and the gateway of the Lease's holder.
  /// - Parameter later: what the Lease says when it is read by itself; nil where it stays as it is.
  private func restored(
    _ lease: JSONValue, later: JSONValue? = nil, journaled: Set<String> = [], force: Bool = false
  ) async throws -> (RestoreReport, changes: [String]) {
    let holder = Holder(identity: lease[path: "spec", "holderIdentity"]?.stringValue ?? "")
    func deployment(_ workload: String, service: String?) -> JSONValue {
      var object: JSONValue = ["metadata": ["name": JSONValue(AgentNames.base(workload)), "uid": "d"]]
      object.annotations =
        AgentManifests(workload: workload, namespace: "shop", holder: holder, service: service).annotations
      return object
    }
    let service: JSONValue = [
      "metadata": ["name": "web", "annotations": ["devtunnel.dev/original-selector": "\u{0}{"]],
      "spec": ["selector": ["app": "web", "devtunnel.dev/agent": "web"]],
    ]
    let deployments = [
      deployment("web", service: "web"), deployment("gateway-1", service: nil), deployment("shell-web-2", service: nil),
    ]
    let itself: JSONValue = ["metadata": ["name": "web"], "spec": ["selector": ["app": "web"]]]
    let isRestored = Mutex(false)
    let server = FakeAPIServer { request in
      guard request.method == "GET" else {
        if request.method == "PATCH", request.path.hasSuffix("/services/web") { isRestored.withLock { $0 = true } }
        return (200, request.body ?? [:])
      }
      let service = isRestored.withLock { $0 } ? itself : service
      let last = request.path.split(separator: "/").last.map(String.init) ?? ""
      switch last {
      case "services": return (200, ["items": [service]])
      case "deployments": return (200, ["items": .array(deployments)])
      case "leases": return (200, ["items": [lease]])
      case "pods", "statefulsets": return (200, ["items": []])
      case "devtunnel-web" where request.path.contains("/leases/"): return (200, later ?? lease)
      case "web": return (200, service)
      default:
        return deployments.first { $0.name == last }.map { (200, $0) } ?? (
          404, ["kind": "Status", "code": 404, "reason": "NotFound", "message": "no"]
        )
      }
    }
    defer { server.stop() }
    var restorer = Restorer(
      client: try server.client(), namespace: "shop", holder: Self.mine, journaled: journaled)
    restorer.looks = LeaseLooks(interval: .milliseconds(50))
    let report = try await restorer.restore(service: nil, force: force, progress: nil)
    return (
      report,
      server.requests.filter { $0.method != "GET" }.map {
        "\($0.method) \($0.path.split(separator: "/").suffix(2).joined(separator: "/"))"
      }
    )
  }

  @Test("Another installation of our name keeps its intercept, its gateway and its shells' agents, except with --yes")
  func keepsTheirs() async throws {
    let (report, changes) = try await restored(Self.lease(Self.theirs), journaled: ["web"])
    #expect(changes == [])
    #expect(report.left.count == 1 && report.left[0].contains("another installation of that name"), "\(report.left)")
    let forced = try await restored(Self.lease(Self.theirs), force: true)
    #expect(forced.changes.contains("PATCH services/web"))
  }

  @Test("Ours, a stale one, and a former version's that our journal names, are undone")
  func undoes() async throws {
    #expect(try await restored(Self.lease(Self.mine)).changes.contains("PATCH services/web"))
    #expect(try await restored(Self.lease(Self.theirs, renewed: Date() - 31)).changes.contains("PATCH services/web"))
    #expect(try await restored(Self.lease(Self.alone)).changes == [])
    #expect(try await restored(Self.lease(Self.alone), journaled: ["web"]).changes.contains("PATCH services/web"))
  }
}
