import ControlAPI
import Testing

@testable import Intercept

/// An intercept that cannot share the agent of a workload with one that exists already.
@Suite(.timeLimit(.minutes(1))) struct AdmissionTests {
  private func request(keepsContainers: Bool) -> InterceptRequest {
    var request = InterceptRequest(cluster: ClusterSelection(), service: "web-alt", ports: [])
    request.keepContainers = keepsContainers
    return request
  }

  @Test("The first intercept of a workload may be any")
  func first() async throws {
    try await withInterception { test in
      try await test.workload.admit(request(keepsContainers: true), ports: [8080], isInsideShell: true)
    }
  }

  @Test("A second one has the same containers beside the agent; a shell's is alone")
  func second() async throws {
    try await withInterception { test in
      try await test.start()
      try await test.workload.admit(request(keepsContainers: false), ports: [8080], isInsideShell: false)
      for (keeps, isInside, words) in [
        (true, false, "through its Service web, without --keep-containers"), (false, true, "a shell's intercept"),
      ] {
        let error = await #expect(throws: ControlError.self) {
          try await test.workload.admit(request(keepsContainers: keeps), ports: [8080], isInsideShell: isInside)
        }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.remedy?.contains("devtunnel leave web") == true)
      }
    }
  }

  private func rules(_ numbers: Range<Int>, value: String = "1") throws -> RequestRules {
    try #require(RequestRules(texts: numbers.map { "header x-\($0)=\(value)" }))
  }

  @Test("Rules of two Services that are too many for their port together are refused before anything changes")
  func rules() async throws {
    try await withInterception(rules: rules(0..<40)) { test in
      try await test.start()
      let before = test.server.requests.count { $0.method != "GET" && !$0.path.contains("leases") }
      var second = request(keepsContainers: false)
      // 24 more, and one that is there already.
      second.rules = try rules(39..<64)
      try await test.workload.admit(second, ports: [8080], isInsideShell: false)
      second.rules = try rules(39..<65)
      let error = await #expect(throws: ControlError.self) {
        try await test.workload.admit(second, ports: [9090, 8080], isInsideShell: false)
      }
      #expect(error?.code == .conflict && error?.message.contains("beside yours for web: ") == true)
      #expect(error?.remedy?.contains("64 rules") == true && error?.remedy?.contains("devtunnel leave web") == true)
      second.rules = try rules(40..<56, value: String(repeating: "a", count: 1000))
      await #expect(throws: ControlError.self) {
        try await test.workload.admit(second, ports: [8080], isInsideShell: false)
      }
      try await test.workload.admit(second, ports: [9090], isInsideShell: false)
      #expect(test.server.requests.count { $0.method != "GET" && !$0.path.contains("leases") } == before)
    }
  }
}
