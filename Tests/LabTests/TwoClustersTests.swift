import ControlAPI
import Foundation
import Testing

extension LabTests {
  /// Two clusters at once, with the same namespace, Service and context's name: each command takes the one that was
  /// named.
  @Suite struct TwoClustersTests {
    private let fromOrigin = "hello from the cluster"

    @Test func eachInterceptAndForwardIsItsClustersOwn() async throws {
      try await Lab.run { a in
        try await Lab.run { b in
          let (toA, toB) = (try HostServer("host for a"), try HostServer("host for b"))
          defer {
            toA.stop()
            toB.stop()
          }
          try await a.developer("alice@host") { alice in
            _ = try await alice.intercept(a.intercept(toA.port)) { _ in }
            _ = try await alice.intercept(b.intercept(toB.port)) { _ in }
            try await a.expect("host for a")
            try await b.expect("host for b")
            for lab in [a, b] {
              let ports = [ForwardRequest.Port(host: 0, remote: "80")]
              _ = try await alice.forward(ForwardRequest(cluster: lab.cluster, target: "web", ports: ports)) { _ in }
            }
            // A tunnel for each intercept, and a gateway in each cluster.
            #expect(await alice.status().sessions.count == 4)

            let unclear = await #expect(throws: ControlError.self) {
              _ = try await alice.leave(LeaveRequest(service: "web")) { _ in }
            }
            #expect(unclear?.remedy == "Choose with --kubeconfig.")
            _ = try await alice.leave(LeaveRequest(cluster: b.cluster, service: "web")) { _ in }
            try await b.expect(fromOrigin)
            try await a.expect("host for a")
            _ = try await alice.restore(RestoreRequest(cluster: b.cluster, force: true)) { _ in }
            try await a.expect("host for a")
          }
          for lab in [a, b] {
            try await lab.expectNoTraces()
            try await lab.expect(fromOrigin)
          }
        }
      }
    }
  }
}
