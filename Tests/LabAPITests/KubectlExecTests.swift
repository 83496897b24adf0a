import Foundation
import Subprocess
import Testing

/// `kubectl exec` and `kubectl cp`, over WebSocket and over SPDY. The commands run on this machine: what is tried is
/// the API's part.
@Suite(.serialized, .enabled(if: LabFixture.kubectl != nil, "kubectl is not in PATH (KUBECTL can name it)"))
struct KubectlExecTests {
  private static let pod = """
    apiVersion: v1
    kind: Pod
    metadata: {name: p}
    spec:
      containers: [{name: main, image: web:1}]
    """

  private func withPod(
    overWebSocket: String, _ test: @Sendable @escaping (LabFixture, [String: String]) async throws -> Void
  ) async throws {
    try await LabFixture.run { lab in
      _ = try await lab.kubectl("apply", "-f", "-", input: Self.pod)
      let result = try await lab.kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=10s")
      #expect(result.isSuccess, "\(result)")
      try await test(lab, ["KUBECTL_REMOTE_COMMAND_WEBSOCKETS": overWebSocket])
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["true", "false"]) func exec(overWebSocket: String) async throws {
    try await withPod(overWebSocket: overWebSocket) { lab, environment in
      func exec(_ script: String, input: String? = nil) async throws -> LabFixture.Output {
        let arguments = ["exec", "p"] + (input == nil ? [] : ["-i"]) + ["--", "sh", "-c", script]
        return try await lab.kubectl(arguments: arguments, input: input ?? "", environment: environment)
      }
      var result = try await exec("echo out; echo err >&2; exit 3")
      #expect(result.text == "out\n" && result.errors == "err\ncommand terminated with exit code 3\n", "\(result)")
      result = try await exec("cat; echo end", input: "hello\n")
      #expect(result.text == "hello\nend\n" && result.isSuccess, "\(result)")
      result = try await exec("head -c 700000 /dev/zero | tr '\\0' x")
      #expect(result.text.utf8.count == 700_000, "\(result.errors)")
      // Input that the command does not read.
      result = try await exec("exit 0", input: String(repeating: "x", count: 1_000_000))
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl(arguments: ["exec", "p", "-c", "wrong", "--", "true"], environment: environment)
      #expect(result.errors.contains("container wrong is not valid for pod p"), "\(result)")
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["true", "false"]) func copy(overWebSocket: String) async throws {
    try await withPod(overWebSocket: overWebSocket) { lab, environment in
      let content = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
      let (here, there, back) = (lab.directory + "/here", lab.directory + "/there", lab.directory + "/back")
      try content.write(to: URL(fileURLWithPath: here))
      var result = try await lab.kubectl("cp", here, "p:\(there)", environment: environment)
      #expect(result.isSuccess, "\(result)")
      #expect(FileManager.default.contents(atPath: there) == content)
      result = try await lab.kubectl("cp", "p:\(there)", back, environment: environment)
      #expect(result.isSuccess, "\(result)")
      #expect(FileManager.default.contents(atPath: back) == content)
    }
  }
}
