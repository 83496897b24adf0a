import FoundationEssentials
import KubeObjects
import Manifests
import Testing

@testable import Skaffold

@Suite(.enabled(if: Here.tool != nil, "neither kustomize nor kubectl is installed"))
struct KustomizeTests {
  static let workload = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: shop, namespace: shop}
    spec:
      selector: {matchLabels: {app: shop}}
      template:
        metadata: {labels: {app: shop}}
        spec:
          initContainers:
          - {name: migrate, image: "registry.example/team/shop:latest"}
          containers:
          - name: shop
            image: registry.example/team/shop:latest
            env: [{name: ON, value: "on"}, {name: N, value: "0123"}]
            readinessProbe:
              httpGet: {path: /, port: 80}
            readinessProbe:
              exec: {command: [ready]}
          - {name: side, image: "side:1"}
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: c, namespace: shop}
    data: {"1.10": yes, b: "no"}
    """

  /// As teams wrote them for kustomize 3: no apiVersion, bases that name a file outside, a patch whose name is not its
  /// target's.
  static let old = [
    "manifests/app.yaml": workload,
    "development/kustomization.yaml": """
    bases:
    - ../manifests/app.yaml
    images:
    - name: registry.example/team/shop
      newName: local-shop
    patches:
    - path: patch.yaml
      target: {kind: Deployment}
    configMapGenerator:
    - name: generated
      files: [KEY=../data/a.txt, ../data/b.txt]
    """,
    "development/patch.yaml":
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: any}\nspec: {template: {spec: {dnsPolicy: Default}}}\n",
    "data/a.txt": "a: 1\na: 2\n", "data/b.txt": "b",
  ]

  private func render(_ project: Project, _ directory: String, warnings: inout [Diagnostic]) async throws -> [Manifest]
  {
    let source = KustomizeSource(
      path: project.path + "/" + directory, buildArgs: ["--load_restrictor", "none"], root: project.path)
    var demands: [Demand] = []
    defer { #expect(demands.isEmpty) }
    return try await ManifestSources(kustomize: [source]).render(
      environment: Here.environment, demands: &demands, warnings: &warnings)
  }

  @Test("An old kustomization gives what a modern one gives, and no file is changed")
  func oldKustomization() async throws {
    var files = Self.old
    files["modern/app.yaml"] = Self.workload.replacing(
      "        readinessProbe:\n          httpGet: {path: /, port: 80}\n", with: "")
    files["modern/kustomization.yaml"] = """
      apiVersion: kustomize.config.k8s.io/v1beta1
      kind: Kustomization
      resources: [app.yaml]
      images: [{name: registry.example/team/shop, newName: local-shop}]
      patches:
      - target: {kind: Deployment}
        patch: |
          - {op: add, path: /spec/template/spec/dnsPolicy, value: Default}
      configMapGenerator: [{name: generated, files: [KEY=../data/a.txt, ../data/b.txt]}]
      """
    let project = try Project(files)
    var warnings: [Diagnostic] = []
    let rendered = try await render(project, "development", warnings: &warnings)
    #expect(warnings.map { "\($0.position?.line ?? 0) \($0.field ?? "")" } == ["15 spec.template.spec.containers[0]"])
    #expect(warnings[0].position?.file == project.path + "/manifests/app.yaml")
    warnings = []
    #expect(try await rendered == render(project, "modern", warnings: &warnings) && rendered.count == 3)
    #expect(rendered.first { $0.kind == "ConfigMap" && $0.name == "c" }?.object["data"] == ["1.10": "yes", "b": "no"])
    for (name, text) in files {
      #expect(try String(contentsOfFile: project.path + "/" + name, encoding: .utf8) == text)
    }
  }

  @Test("Bases of bases, the first kustomize's patches, and a file inside its own directory")
  func nested() async throws {
    let project = try Project(
      Self.old.merging([
        "top/kustomization.yaml": "namePrefix: my-\nresources: [../development, own.yaml]\npatches: [own-patch.yaml]\n",
        "top/own.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n",
        "top/own-patch.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s, labels: {a: b}}\n",
      ]) { $1 })
    var warnings: [Diagnostic] = []
    let rendered = try await render(project, "top", warnings: &warnings)
    #expect(Set(rendered.map { $0.name.prefix(7) }) == ["my-shop", "my-c", "my-s", "my-gene"])
    #expect(rendered.first { $0.kind == "Service" }?.object[path: "metadata", "labels", "a"] == "b")
    let files = [
      "development/kustomization.yaml", "development/patch.yaml", "manifests/app.yaml", "data/a.txt", "data/b.txt",
      "top/kustomization.yaml", "top/own.yaml",
      "top/own-patch.yaml",
    ]
    #expect(
      ManifestSources(kustomize: [KustomizeSource(path: project.path + "/top", root: project.path)]).watchedFiles()
        == files.map { project.path + "/" + $0 }.sorted())
  }

  @Test("Watches a named file that is missing, since it may come")
  func missing() async throws {
    let project = try Project(["k/kustomization.yaml": "resources: [later.yaml, https://example.com/r.yaml]\n"])
    let sources = ManifestSources(
      rawYAML: [project.path + "/plain.yaml"], kustomize: [KustomizeSource(path: project.path + "/k")])
    #expect(
      sources.watchedFiles() == ["k/kustomization.yaml", "k/later.yaml", "plain.yaml"].map { project.path + "/" + $0 })
  }

  @Test("Directories that are symbolic links")
  func links() async throws {
    let project = try Project(Self.old.merging(["real/deep/kustomization.yaml": "resources: [../link]\n"]) { $1 })
    let files = FileManager.default
    try files.createSymbolicLink(atPath: project.path + "/linked", withDestinationPath: "real/deep")
    try files.createSymbolicLink(atPath: project.path + "/real/link", withDestinationPath: "../development")
    var warnings: [Diagnostic] = []
    #expect(try await render(project, "linked", warnings: &warnings).count == 3)
    #expect(
      ManifestSources(kustomize: [KustomizeSource(path: project.path + "/linked", root: project.path)]).watchedFiles()
        .count == 6)
  }

  @Test("Patches give what an equivalent kustomize patch gives")
  func patches() async throws {
    let digest = "sha256:" + String(repeating: "a", count: 64)
    let project = try Project([
      "base/app.yaml": Self.workload.replacing(
        "        readinessProbe:\n          httpGet: {path: /, port: 80}\n", with: ""),
      "base/kustomization.yaml": "resources: [app.yaml]\n",
      "patched/kustomization.yaml": """
      resources: [../base]
      images: [{name: registry.example/team/shop, newName: local-shop, digest: "\(digest)"}]
      patches:
      - target: {kind: Deployment}
        patch: |
          - {op: add, path: /spec/template/spec/dnsPolicy, value: Default}
          - {op: add, path: /spec/template/spec/containers/0/imagePullPolicy, value: IfNotPresent}
          - {op: add, path: /spec/template/spec/initContainers/0/imagePullPolicy, value: IfNotPresent}
      """,
    ])
    var warnings: [Diagnostic] = []
    let base = try await render(project, "base", warnings: &warnings)
    let expected = try await render(project, "patched", warnings: &warnings)
    #expect(ManifestPatches(images: ["registry.example/team/shop": "local-shop@\(digest)"]).apply(to: base) == expected)
    #expect(base != expected)
  }

  @Test("A mistake is reported: in a file with its line, else in the tool's words")
  func mistakes() async throws {
    let project = try Project([
      "broken/kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "broken/a.yaml": "a: [\n",
      "broken/b.yaml": "- x\n y: z\n",
      "gone/kustomization.yaml": "resources: [gone.yaml]\n",
      "none/x": "",
    ])
    var warnings: [Diagnostic] = []
    let broken = try await #require(throws: InputError.self) {
      try await render(project, "broken", warnings: &warnings)
    }
    #expect(broken.diagnostics.map { $0.position?.file.split(separator: "/").last } == ["a.yaml", "b.yaml"])
    let gone = try await #require(throws: InputError.self) { try await render(project, "gone", warnings: &warnings) }
    #expect(gone.description.contains("gone.yaml"))
    let none = try await #require(throws: InputError.self) { try await render(project, "none", warnings: &warnings) }
    #expect(none.description.contains("holds no kustomization"))
  }
}

struct KustomizeToolTests {
  @Test(
    "Arguments: which are passed on, which a person must allow, which are refused",
    arguments: [
      (["--load_restrictor", "LoadRestrictionsNone"], [], [], []),
      (["--load_restrictor=none", "--enable_helm"], [], ["--enable-helm"], []),
      (["--load-restrictor LoadRestrictionsRootOnly --enable-helm"], [], ["--enable-helm"], []),
      (["--helm-command=my_helm", "-e", "A=b"], [], ["--helm-command=my_helm", "--env=A=b"], []),
      (["--reorder", "none", "--helm-kube-version=1.30"], ["--reorder=none", "--helm-kube-version=1.30"], [], []),
      (
        ["--enable-alpha-plugins", "--enable-exec", "--network", "--mount", "type=bind"], [],
        ["--enable-alpha-plugins", "--enable-exec", "--network", "--mount=type=bind"], []
      ),
      (["-o", "/tmp/x"], [], [], ["-o", "/tmp/x"]),
      (["-o/tmp/x", "--output=/tmp/x"], [], [], ["-o/tmp/x", "--output=/tmp/x"]),
      (
        ["/elsewhere", "--", "--kubeconfig=x", "--reorder"], [], [],
        ["/elsewhere", "--", "--kubeconfig=x", "--reorder"]
      ),
    ] as [([String], [String], [String], [String])])
  func arguments(given: [String], passed: [String], demanded: [String], refused: [String]) {
    let options = KustomizeOptions(given)
    #expect(options.passed == passed && options.demanded.map(\.word) == demanded && options.refused == refused)
  }

  @Test("Without a tool the error says what to install")
  func noTool() async throws {
    #expect(KustomizeTool.installed(environment: ["PATH": "/nowhere"]) == nil)
    let error = try await #require(throws: InputError.self) {
      var (warnings, demands): ([Diagnostic], [Demand]) = ([], [])
      return try await ManifestSources(kustomize: [KustomizeSource(path: "/")]).render(
        environment: ["PATH": "/nowhere"], demands: &demands, warnings: &warnings)
    }
    #expect(error.diagnostics.map(\.remedy) == ["install kubectl or kustomize"])
  }
}
