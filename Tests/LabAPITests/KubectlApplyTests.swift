import Testing

/// `kubectl apply --server-side` and `kubectl diff --server-side`.
@Suite(.serialized, .enabled(if: LabFixture.kubectl != nil, "kubectl is not in PATH (KUBECTL can name it)"))
struct KubectlApplyTests {
  private static func manifest(image: String, probe: String = "") -> String {
    """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 1
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          containers:
          - name: main
            image: \(image)
            ports: [{containerPort: 80, name: http}]
            \(probe)
    """
  }

  @Test(.timeLimit(.minutes(1))) func createsChangesAndRefuses() async throws {
    try await LabFixture.run { lab in
      func apply(_ text: String, _ options: String...) async throws -> LabFixture.Output {
        try await lab.kubectl(arguments: ["apply", "--server-side", "-f", "-"] + options, input: text)
      }
      func version() async throws -> String {
        try await lab.kubectl("get", "deployment", "web", "-o", "jsonpath={.metadata.resourceVersion}").text
      }
      var result = try await apply(Self.manifest(image: "web:1"))
      #expect(result.text == "deployment.apps/web serverside-applied\n", "\(result)")
      result = try await lab.kubectl("rollout", "status", "deployment/web", "--timeout=10s")
      #expect(result.isSuccess, "\(result)")
      let before = try await version()
      result = try await apply(Self.manifest(image: "web:1"))
      #expect(try await version() == before)
      result = try await lab.kubectl("set", "image", "deployment/web", "main=web:5")
      #expect(result.isSuccess, "\(result)")
      result = try await apply(Self.manifest(image: "web:6"))
      #expect(
        result.errors.contains(
          "conflict with \"kubectl-set\" using apps/v1: .spec.template.spec.containers[name=\"main\"].image"),
        "\(result)")
      result = try await apply(Self.manifest(image: "web:6"), "--force-conflicts")
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl(
        "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[*].image}")
      #expect(result.text == "web:6", "\(result)")
    }
  }

  @Test(.timeLimit(.minutes(1))) func diff() async throws {
    try await LabFixture.run { lab in
      func diff(_ image: String) async throws -> LabFixture.Output {
        try await lab.kubectl("diff", "--server-side", "-f", "-", input: Self.manifest(image: image))
      }
      var result = try await diff("web:1")
      #expect(!result.isSuccess && result.text.contains("+kind: Deployment"), "\(result)")
      _ = try await lab.kubectl("apply", "--server-side", "-f", "-", input: Self.manifest(image: "web:1"))
      _ = try await lab.kubectl("rollout", "status", "deployment/web", "--timeout=10s")
      result = try await diff("web:1")
      #expect(result.isSuccess && result.text.isEmpty, "\(result)")
      result = try await diff("web:2")
      #expect(result.text.contains("-      - image: web:1\n+      - image: web:2\n"), "\(result)")
    }
  }

  /// An object that came by `kubectl apply` goes over to the server's side: what the manifest no longer has goes away.
  @Test(.timeLimit(.minutes(1))) func takesOverFromTheClientsSide() async throws {
    try await LabFixture.run { lab in
      let probe = "livenessProbe: {httpGet: {port: 80}}"
      _ = try await lab.kubectl("apply", "-f", "-", input: Self.manifest(image: "web:1", probe: probe))
      var result = try await lab.kubectl("apply", "--server-side", "-f", "-", input: Self.manifest(image: "web:2"))
      #expect(result.isSuccess, "\(result)")
      result = try await lab.kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0]}")
      #expect(result.text.contains("web:2") && !result.text.contains("livenessProbe"), "\(result)")
    }
  }
}
