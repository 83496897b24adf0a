import ControlAPI
import Foundation
import KubeObjects
import Operations
import Testing

extension LabTests {
  /// Two Services of one workload, which has one agent: no request to either is lost, whoever comes second.
  @Suite struct TwoServicesTests {
    private let fromOrigin = "hello from the cluster"

    private func with(_ body: @Sendable @escaping (Lab, HostServer) async throws -> Void) async throws {
      try await Lab.run { lab in
        try await lab.create(
          yaml: """
            {apiVersion: v1, kind: Service, metadata: {name: web-alt, namespace: shop},
             spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}}
            """)
        try await lab.expect(fromOrigin, from: "web-alt")
        let host = try HostServer("hello from the host")
        defer { host.stop() }
        try await body(lab, host)
        try await lab.expectNoTraces()
        let alt = try await lab.client.get(.services, "web-alt")
        #expect(alt[path: "spec", "selector"]?.stringMap == ["app": "web"])
        for service in ["web", "web-alt"] { try await lab.expect(fromOrigin, from: service) }
      }
    }

    @Test(arguments: [["web", "web-alt"], ["web-alt", "web"]])
    func onePersonHasBothAndLeavesThemOneByOne(order: [String]) async throws {
      try await with { lab, host in
        try await lab.developer("alice@host") { alice in
          try await lab.expectNoneLost("web", "web-alt") {
            _ = try await alice.intercept(lab.intercept(host.port)) { _ in }
            let report = try await alice.intercept(lab.intercept(host.port, service: "web-alt")) { _ in }
            for service in order { try await lab.expect("hello from the host", from: service) }
            let status = await alice.status()
            #expect(status.intercepts.map(\.state) == [.active, .active] && status.sessions.count == 1)
            // The agent bears the Pods' labels: it is an endpoint of Service web, too.
            let shared = report.warnings.filter { $0.hasPrefix("Service web targets the same port of the same Pods") }
            #expect(shared.count == 1)
            _ = try await alice.leave(LeaveRequest(service: order[0])) { _ in }
            try await lab.expect("hello from the host", from: order[1])
            let selector = try await lab.client.get(.services, order[0])[path: "spec", "selector"]?.stringMap
            #expect(selector == ["app": "web"])
            // One comes back while the other stays.
            _ = try await alice.intercept(lab.intercept(host.port, service: order[0])) { _ in }
            for service in order { try await lab.expect("hello from the host", from: service) }
            _ = try await alice.leave(LeaveRequest(all: true)) { _ in }
          }
        }
      }
    }

    @Test func whoTakesOverThroughAnotherServiceGivesTheFirstBack() async throws {
      try await with { lab, host in
        try await lab.developer("alice@host") { alice in
          try await lab.developer("bob@desk") { bob in
            _ = try await alice.intercept(lab.intercept(host.port)) { _ in }
            try await lab.expectNoneLost("web", "web-alt") {
              var request = lab.intercept(host.port, service: "web-alt")
              let refusal = await bob.refusal(of: request)
              #expect(refusal?.code == .conflict && refusal?.message.contains("alice@host") == true)
              request.takeOver = true
              _ = try await bob.intercept(request) { _ in }
              try await lab.expect("hello from the host", from: "web-alt")
              let web = try await lab.client.get(.services, "web")
              #expect(web[path: "spec", "selector"]?.stringMap == ["app": "web"])
              _ = try await alice.leave(LeaveRequest(service: "web")) { _ in }
              try await lab.expect("hello from the host", from: "web-alt")
              _ = try await bob.leave(LeaveRequest(all: true)) { _ in }
              try await lab.expect(fromOrigin, from: "web-alt")
            }
          }
        }
      }
    }
  }
}
