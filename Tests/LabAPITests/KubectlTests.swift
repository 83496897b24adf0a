import Foundation
import Subprocess
import Testing

/// kubectl, which is not part of this project, is the API's test.
@Suite(.serialized, .enabled(if: LabFixture.kubectl != nil, "kubectl is not in PATH (KUBECTL can name it)"))
struct KubectlTests {
  private static func manifest(image: String) -> String {
    """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, labels: {app: web}}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          containers:
          - name: main
            image: \(image)
            ports: [{containerPort: 80, name: http}]
            env: [{name: A, value: b}]
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web}
    spec:
      selector: {app: web}
      ports: [{port: 80, targetPort: http}]
    """
  }

  @Test(.timeLimit(.minutes(1))) func theLifeOfADeployment() async throws {
    try await LabFixture.run { lab in
      var result = try await lab.kubectl("apply", "-f", "-", input: Self.manifest(image: "web:1"))
      #expect(result.text.contains("deployment.apps/web created"), "\(result.errors)")
      result = try await lab.kubectl("apply", "-f", "-", input: Self.manifest(image: "web:1"))
      #expect(
        result.text.contains("deployment.apps/web unchanged") && result.text.contains("service/web unchanged"),
        "\(result)")
      result = try await lab.kubectl("rollout", "status", "deployment/web", "--timeout=10s")
      #expect(result.text.contains("successfully rolled out"), "\(result)")
      result = try await lab.kubectl("apply", "-f", "-", input: Self.manifest(image: "web:2"))
      #expect(
        result.text.contains("deployment.apps/web configured") && result.text.contains("service/web unchanged"),
        "\(result)")
      result = try await lab.kubectl("rollout", "status", "deployment/web", "--timeout=10s")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=10s")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}")
      #expect(result.text == "web:2 web:2", "\(result)")
    }
  }

  @Test(.timeLimit(.minutes(1))) func restartScaleAndDelete() async throws {
    try await LabFixture.run { lab in
      _ = try await lab.kubectl("apply", "-f", "-", input: Self.manifest(image: "web:1"))
      var result = try await lab.kubectl("rollout", "restart", "deployment/web")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("scale", "deployment/web", "--replicas=3")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("rollout", "status", "deployment/web", "--timeout=10s")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("get", "deployment", "web")
      #expect(result.text.contains("READY") && result.text.contains("3/3"), "\(result)")
      result = try await lab.kubectl("logs", "deployment/web", "--tail=1")
      #expect(result.text.hasPrefix("last line of web-"), "\(result)")
      result = try await lab.kubectl("rollout", "undo", "deployment/web")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("delete", "deployment", "web", "--cascade=foreground", "--timeout=10s")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("get", "pods", "--ignore-not-found", "-o", "name")
      #expect(result.text.isEmpty, "\(result)")
    }
  }

  /// These come as protobuf, whatever the server says it takes.
  @Test(.timeLimit(.minutes(1))) func createsAndAsks() async throws {
    try await LabFixture.run { lab in
      var result = try await lab.kubectl("create", "namespace", "team")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("create", "configmap", "settings", "-n", "team", "--from-literal=a=b")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("create", "secret", "generic", "key", "-n", "team", "--from-literal=a=b")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl(
        "get", "secret/key", "configmap/settings", "-n", "team", "-o", "jsonpath={.items[*].data.a}")
      #expect(result.text == "Yg== b", "\(result)")
      result = try await lab.kubectl(
        "create", "deployment", "web", "-n", "team", "--image=web:1", "--port=80", "--replicas=3")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("rollout", "status", "deployment/web", "-n", "team", "--timeout=10s")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("auth", "can-i", "create", "pods")
      #expect(result.text == "yes\n", "\(result)")
      result = try await lab.kubectl("delete", "namespace", "team", "--timeout=10s")
      #expect(result.isSuccess, "\(result)")
    }
  }

  @Test(.timeLimit(.minutes(1))) func whatIsWrongIsSaid() async throws {
    try await LabFixture.run { lab in
      var result = try await lab.kubectl("get", "pod", "none")
      #expect(result.errors.contains("Error from server (NotFound): pods \"none\" not found"), "\(result)")
      result = try await lab.kubectl("apply", "-f", "-", input: Self.manifest(image: "''"))
      #expect(result.errors.contains("spec.template.spec.containers[0].image: Required value"), "\(result)")
      result = try await lab.kubectl(
        "--kubeconfig=/dev/null", "--server=https://127.0.0.1:1", "get", "pods", "--request-timeout=2s")
      #expect(!result.isSuccess)
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["true", "false"]) func portForward(overWebSocket: String) async throws {
    let echo = try await EchoServer.start()
    try await LabFixture.run(ports: [80: echo.port]) { lab in
      _ = try await lab.kubectl("apply", "-f", "-", input: Self.manifest(image: "web:1"))
      _ = try await lab.kubectl("rollout", "status", "deployment/web", "--timeout=10s")
      let environment = lab.environment(["KUBECTL_PORT_FORWARD_WEBSOCKETS": overWebSocket])
      _ = try await Subprocess.run(
        .path(.init(LabFixture.kubectl ?? "kubectl")), arguments: ["port-forward", "deployment/web", ":80"],
        environment: environment, input: .none,
        output: .sequence, error: .discarded
      ) { execution in
        var text = ""
        for try await line in execution.standardOutput.strings() {
          text = line
          break
        }
        // "Forwarding from 127.0.0.1:40000 -> 80"
        let port = try #require(text.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) }, "\(text)")
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for size in [1, 40_000, 700_000] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            group.addTask { try await EchoClient.exchange(bytes, port: port) == bytes }
          }
          for try await isSame in group { #expect(isSame) }
        }
        try execution.send(signal: .kill)
      }
    }
    try await echo.stop()
  }
}
