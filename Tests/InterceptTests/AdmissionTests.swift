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
      try await test.workload.admit(request(keepsContainers: true), isInsideShell: true)
    }
  }

  @Test("A second one has the same containers beside the agent; a shell's is alone")
  func second() async throws {
    try await withInterception { test in
      try await test.start()
      try await test.workload.admit(request(keepsContainers: false), isInsideShell: false)
      for (keeps, isInside, words) in [
        (true, false, "through its Service web, without --keep-containers"), (false, true, "a shell's intercept"),
      ] {
        let error = await #expect(throws: ControlError.self) {
          try await test.workload.admit(request(keepsContainers: keeps), isInsideShell: isInside)
        }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.remedy?.contains("devtunnel leave web") == true)
      }
    }
  }
}
