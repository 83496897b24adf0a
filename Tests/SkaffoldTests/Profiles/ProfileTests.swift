import Manifests
import Skaffold
import Testing

/// The expected values are Skaffold 2.24's for the same files (`skaffold diagnose --yaml-only`).
struct ProfileTests {
  static let files = [
    "app/Dockerfile": "", "Dockerfile": "", "base/kustomization.yaml": "resources: []", "k8s/a.yaml": "",
    "skaffold.yaml": """
    apiVersion: skaffold/v2beta29
    kind: Config
    build:
      artifacts:
      - {image: app, context: app, docker: {buildArgs: {A: x}}}
      - {image: app2, context: app}
      tagPolicy: {gitCommit: {variant: AbbrevCommitSha}}
      local: {push: false}
    deploy:
      kubectl: {manifests: [k8s/*.yaml]}
    profiles:
    - name: kustomize
      deploy: {kustomize: {paths: [base]}}
    - name: one
      build: {artifacts: [{image: only, context: app}], tagPolicy: {sha256: {}}}
    - name: push
      build: {local: {push: true}}
    - name: patch
      patches:
      - {path: /build/artifacts/0/context, value: .}
      - {op: add, path: /build/artifacts/image=app/docker/target, value: t}
      - {op: add, path: /deploy/kubectl/manifests/-, value: base/*.yml}
      - {op: remove, path: /build/artifacts/1}
    - name: environment
      activation: [{env: MODE=^dev}]
      deploy: {kubeContext: from-environment}
    - name: empty-environment
      activation: [{env: UNSET=}]
    - name: context
      activation: [{kubeContext: "!prod", command: dev}]
    - name: all
      requiresAllActivations: true
      activation: [{env: MODE=dev}, {kubeContext: mini}]
    """,
  ]

  private func load(
    _ profiles: [String], environment: [String: String] = ["UNSET": "x"], command: String = "build",
    kubeContext: String? = nil
  ) throws
    -> DevConfiguration
  {
    try Project(Self.files).load(
      profiles: profiles, environment: environment, command: command, kubeContext: kubeContext)[0]
  }

  @Test("Lists and what excludes each other are replaced, structs merged")
  func overlay() throws {
    let one = try load(["one"])
    #expect(one.artifacts.map(\.image) == ["only"] && one.tagPolicy == .sha256 && one.push == false)
    let kustomize = try load(["kustomize", "push"])
    #expect(kustomize.manifests.kustomize.count == 1 && kustomize.manifests.rawYAML.count == 1)
    #expect(kustomize.push == true && kustomize.artifacts.count == 2)
    #expect(kustomize.profiles == ["kustomize", "push"])
  }

  @Test("JSON patches, also on the paths of old schemas")
  func patches() throws {
    let configuration = try load(["patch"])
    #expect(configuration.artifacts.map(\.image) == ["app"])
    guard case .docker(let build) = configuration.artifacts[0].build else { return #expect(Bool(false)) }
    #expect(
      build.target == "t" && build.dockerfile.hasSuffix("/Dockerfile") && !build.dockerfile.hasSuffix("/app/Dockerfile")
    )
    #expect(configuration.manifests.rawYAML.map { $0.split(separator: "/").last } == ["*.yaml", "*.yml"])
  }

  @Test("Profiles activate themselves by environment, context and command; -NAME keeps one off")
  func activation() throws {
    #expect(try load([]).profiles == [])
    #expect(try load([], environment: ["MODE": "developer", "UNSET": "x"]).profiles == ["environment"])
    #expect(try load([], environment: [:]).profiles == ["empty-environment"])
    #expect(try load([], command: "dev", kubeContext: "kind").profiles == ["context"])
    #expect(try load([], command: "dev", kubeContext: "prod").profiles == [])
    #expect(
      try load(
        ["push", "-context", "-environment"], environment: ["MODE": "dev", "UNSET": "x"], command: "dev",
        kubeContext: "minikube"
      ).profiles == [
        "all", "push",
      ])
  }

  @Test("A profile that is not there")
  func unknown() throws {
    let error = try #require(throws: InputError.self) { try load(["gone", "-gone2", "push"]) }
    let messages = error.diagnostics.filter { $0.severity == .error }.map(\.message)
    #expect(
      messages.count == 2 && messages[0].hasPrefix("no profile is called 'gone' in /")
        && messages[1].hasPrefix("no profile is called '-gone2' in /"))
  }

  @Test(
    "Reports an error in a patch with its own line",
    arguments: [
      ("{path: /build/gone, value: 1}", "profile 'p' cannot replace /build/gone: /build/gone does not exist"),
      (
        "{op: add, path: /build/gone/x, value: 1}",
        "profile 'p' cannot add /build/gone/x: /build/gone/x does not exist"
      ),
      (
        "{op: remove, path: /build/artifacts/7}",
        "profile 'p' cannot remove /build/artifacts/7: /build/artifacts/7 is not in the list"
      ),
      ("{op: move, from: /gone, path: /build/x}", "profile 'p' cannot move /build/x: /gone does not exist"),
      ("{op: jump, path: /build, value: 1}", "profile 'p': 'jump' is no operation"),
      ("{op: add, path: /x}", "profile 'p': add needs a value"),
      ("{op: move, path: /x}", "profile 'p': move needs from"),
      ("{op: test, path: /kind, value: Other}", "profile 'p' cannot test /kind: /kind does not have this value"),
      ("{value: 1}", "path is missing"),
    ])
  func wrongPatches(patch: String, message: String) throws {
    let problems = try Project.problems(
      """
      apiVersion: skaffold/v4beta1
      kind: Config
      build: {artifacts: [{image: a}]}
      profiles:
      - name: p
        activation: [{command: dev}]
        patches:
        - \(patch)

      """
    )
    #expect(problems.map(\.message) == [message] && problems[0].position?.line == 8)
  }

  @Test(
    "Refuses patches that double the document again and again, and names the profile",
    arguments: [
      // 2^40 values; 2^30 times a text; values within each other.
      ("{x: 1}", "{op: copy, from: /metadata, path: /metadata/%}", 40, "copies or compares more than 100000 values"),
      (
        "{x: '\(String(repeating: "y", count: 20_000))'}", "{op: copy, from: /metadata, path: /metadata/%}", 30,
        "copies or compares more than 16 MiB"
      ),
      ("{a: {x: 1}}", "{op: copy, from: /metadata, path: /metadata/a}", 250, "more than 200 values within each other"),
      (
        "{a: [\(String(repeating: "1,", count: 200))]}", "{op: test, path: /metadata/a, value: 1}", 600,
        "copies or compares more than 100000 values"
      ),
    ])
  func growingPatches(metadata: String, patch: String, count: Int, message: String) throws {
    let patches = (0..<count).map { "    - \(patch.replacing("%", with: "c\($0)"))\n" }.joined()
    let problems = try Project.problems(
      """
      apiVersion: skaffold/v4beta1
      kind: Config
      metadata: \(metadata)
      profiles:
      - name: grows
        activation: [{command: dev}]
        patches:
      \(patches)
      """)
    let found = problems.filter { $0.message.contains(message) }
    #expect(found.first?.message.contains("profile 'grows'") == true, "\(problems.prefix(3))")
    #expect((found.first?.position?.line ?? 0) > 8)
  }

  @Test("Many small copies are no growth")
  func smallCopies() throws {
    let patches = (0..<1000).map { "    - {op: copy, from: /metadata/name, path: /metadata/labels/l\($0)}\n" }.joined()
    let problems = try Project.problems(
      """
      apiVersion: skaffold/v4beta1
      kind: Config
      metadata: {name: x, labels: {}}
      profiles:
      - name: copies
        activation: [{command: dev}]
        patches:
      \(patches)
      """)
    #expect(problems.isEmpty, "\(problems.prefix(3))")
  }

  @Test("A field that no profile has is reported, active or not")
  func unknownField() throws {
    let problems = try Project.problems(
      "apiVersion: skaffold/v4beta1\nkind: Config\nprofiles:\n- name: p\n  bild: {}\n- build: {}\n")
    #expect(problems.map(\.message) == ["skaffold/v4beta1 has no field 'bild' here", "name is missing"])
  }

  @Test("A value from a profile is blamed at its own place")
  func blame() throws {
    let problems = try Project.problems(
      """
      apiVersion: skaffold/v4beta1
      kind: Config
      profiles:
      - name: p
        activation: [{command: dev}]
        build:
          artifacts:
          - {image: a, context: gone}

      """
    )
    #expect(problems.map(\.field) == ["profiles[0].build.artifacts[0].context"] && problems[0].position?.line == 8)
  }
}
