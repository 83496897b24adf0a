import FoundationEssentials
import Glibc
import Manifests
import Testing

@testable import Skaffold

/// A repository, and beside it a file that is none of its own.
struct TrustTests {
  private static let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: secret}\n"

  private func project(_ files: [String: String]) throws -> Project {
    let project = try Project(
      [
        "home/config": Self.object, "home/k/kustomization.yaml": "resources: [o.yaml]\n", "home/k/o.yaml": Self.object,
        "repo/.git/HEAD": "",
        "repo/own/o.yaml": Self.object, "repo/k/x": "",
      ].merging(files.map { ("repo/" + $0, $1) }) { $1 })
    try FileManager.default.createSymbolicLink(
      atPath: project.path + "/repo/k/link", withDestinationPath: "../../home/config")
    try FileManager.default.createSymbolicLink(atPath: project.path + "/repo/dirlink", withDestinationPath: "../home")
    return project
  }

  private func load(_ project: Project) throws -> DevConfiguration {
    let directory = project.path + "/repo"
    let tree = ConfigurationTree(ReadingOptions(workingDirectory: directory), checkouts: [:])
    tree.read(directory + "/skaffold.yaml")
    return try tree.result().configurations[0]
  }

  /// A program in kustomize's place: it notes that it ran, and prints an object.
  private func fake(_ project: Project) throws -> KustomizeTool {
    try project.write(
      "kustomize",
      "#!/bin/sh\necho \"$@\" >> '\(project.path)/ran'\nprintf 'apiVersion: v1\\nkind: Pod\\nmetadata: {name: p}\\n'\n")
    #expect(chmod(project.path + "/kustomize", 0o755) == 0)
    return .kustomize(project.path + "/kustomize")
  }

  private func ran(_ project: Project) -> String? {
    try? String(contentsOfFile: project.path + "/ran", encoding: .utf8)
  }

  private func refusal(_ project: Project, _ trust: Trust = Trust()) async throws -> InputError {
    let configuration = try load(project)
    let tool = try fake(project)
    return try await #require(throws: InputError.self) {
      try await Rendering.render([configuration], patches: nil, trust: trust, tool: tool, environment: [:])
    }
  }

  private static func skaffold(_ arguments: String) -> String {
    """
    apiVersion: skaffold/v4beta11
    kind: Config
    manifests:
      kustomize:
        paths: [k]
        buildArgs:
        - --reorder=none
        - \(arguments)

    """
  }

  @Test func aRefusalSaysThatTrustIsByPath() {
    let remedy = Demand.outside("/srv/base", "/src/repo", nil).refusal.remedy ?? ""
    #expect(remedy.contains("--trust") && remedy.contains("/src/repo") && remedy.contains("for this path"))
  }

  // MARK: Options

  @Test(
    "An option that writes, runs programs or reaches the network is refused, with its line; nothing has run",
    arguments: [
      "--output=/tmp/pwn", "-o /tmp/pwn", "-o/tmp/pwn", "--enable-alpha-plugins --enable-exec",
      "--enable_helm --helm-command=./evil.sh", "--network",
      "--mount=type=bind,src=/,dst=/x", "-e HOME", "--helm-command ./evil.sh", "/etc", "--unknown", "--enable-star",
    ])
  func options(argument: String) async throws {
    let project = try project([
      "skaffold.yaml": Self.skaffold("'\(argument)'"), "k/kustomization.yaml": "resources: [../own/o.yaml]\n",
    ])
    let error = try await refusal(project)
    #expect(error.diagnostics[0].position?.description == project.path + "/repo/skaffold.yaml:8:7", "\(error)")
    #expect(error.diagnostics[0].remedy != nil)
    #expect(ran(project) == nil)
  }

  @Test("Passes on what a person allows, but never an option that writes a file")
  func allowed() async throws {
    let project = try project([
      "skaffold.yaml": Self.skaffold("--enable_helm"), "k/kustomization.yaml": "resources: [../own/o.yaml]\n",
    ])
    let tool = try fake(project)
    let rendering = try await Rendering.render(
      [try load(project)], patches: nil, trust: Trust(isEverything: true), tool: tool, environment: [:])
    #expect(rendering.demands.map(\.key) == ["--enable-helm"] && rendering.demands[0].root == project.path + "/repo")
    #expect(
      ran(project)?.hasPrefix("build --reorder=none --enable-helm --load-restrictor LoadRestrictionsNone ") == true)
    // The same again, and nothing else.
    let known = Trust(known: [project.path + "/repo": ["--enable-helm"]])
    #expect(
      try await Rendering.render([try load(project)], patches: nil, trust: known, tool: tool, environment: [:])
        .manifests.count == 1)
    #expect(
      try await refusal(project, Trust(known: [project.path: ["--enable-helm"]])).description.contains("--enable-helm"))
    try project.write("repo/skaffold.yaml", Self.skaffold("--enable-helm --helm-command=./evil"))
    #expect(try await refusal(project, known).diagnostics.count == 1)
    try project.write("repo/skaffold.yaml", Self.skaffold("--output=x"))
    #expect(try await refusal(project, Trust(isEverything: true)).description.contains("write a file"))
  }

  // MARK: Files

  static let outside: [(String, Int)] = [
    ("resources: [HOME/config]", 1), ("resources: [../../home/config]", 1), ("resources: [link]", 1),
    ("resources: [../dirlink/config]", 1),
    ("resources: [../../home/k]", 1), ("resources:\n- ../own/o.yaml\n- ../dirlink/k", 3), ("bases: [../../home/k]", 1),
    ("components: [../../home/k]", 1),
    ("configMapGenerator: [{name: a, files: [../../home/config]}]", 1),
    ("secretGenerator: [{name: a, files: [key=../../home/config]}]", 1),
    ("configMapGenerator:\n- name: a\n  envs: [link]", 3), ("secretGenerator: [{name: a, env: ../../home/config}]", 1),
    ("patches: [{path: ../../home/config}]", 1), ("patches: [../../home/config]", 1),
    ("patchesJson6902: [{path: ../../home/config}]", 1),
    ("patchesStrategicMerge: [../../home/config]", 1), ("patchesStrategicMerge: ['{x/../../../home/config']", 1),
    ("replacements: [{path: ../../home/config}]", 1),
    ("crds: [../../home/config]", 1), ("configurations: [../../home/config]", 1),
    ("openapi: {path: ../../home/config}", 1),
    ("transformers: [../../home/config]", 1), ("validators: [../../home/config]", 1),
    ("generators: [../own/o.yaml]", 1),
    (
      """
      generators: ['{kind: ConfigMapGenerator, apiVersion: builtin, metadata: {name: a}, files: [../../home/config]}']
      """,
      1
    ),
    ("resources: ['{x/../../../home/config']", 1), ("resources: [\"x\\n/../../../home/config\"]", 1),
    ("Resources: [../../home/config]", 1), ("re\u{17F}ources: [../../home/config]", 1),
    ("configMapGenerator: [{name: a, Files: [../../home/config]}]", 1),
    ("resources: [!!binary Li4vLi4vaG9tZS9jb25maWc=]", 1),
    ("resources: [../own/o.yaml]\n---\nresources: [../../home/config]", 3),
    ("resources: [/dev/zero]", 1), ("resources: [fifo]", 1), ("resources: [gone.yaml]", 1),
    ("resources: ['https://host.invalid/x.yaml']", 1), ("resources: ['git@host.invalid:x']", 1),
    ("resources: ['me@host.invalid:x']", 1),
    ("configMapGenerator: [{name: a, files: [../.git/HEAD]}]", 1), ("resources: [../.GIT/HEAD]", 1),
    ("resources: [github.com/a/b]", 1), ("resources: ['gh:a/b']", 1), ("resources: ['git::file:///x']", 1),
    ("resources: ['../own?ref=x']", 1),
    ("patches: [{path: 'http://host.invalid/x'}]", 1),
    ("configMapGenerator: [{name: a, files: ['http://host.invalid/x']}]", 1),
  ]

  @Test(
    "Refuses a kustomization's file outside of the repository under any name, with the line; nothing has run",
    arguments: outside)
  func kustomizations(text: String, line: Int) async throws {
    let project = try project(["skaffold.yaml": Self.skaffold("--reorder=legacy")])
    try project.write("repo/k/kustomization.yaml", text.replacing("HOME", with: project.path + "/home") + "\n")
    #expect(mkfifo(project.path + "/repo/k/fifo", 0o600) == 0)
    let error = try await refusal(project)
    #expect(error.diagnostics[0].position?.file == project.path + "/repo/k/kustomization.yaml", "\(error)")
    #expect(error.diagnostics[0].position?.line == line, "\(error)")
    #expect(ran(project) == nil)
  }

  @Test("A slash counts with a combining mark behind it, and so do two names that only look the same")
  func encodings() async throws {
    let evil = "resources: [../../../../home/config]\n"
    var project = try project([
      "skaffold.yaml": Self.skaffold("--reorder=legacy"),
      "k/kustomization.yaml": "resources: [\"a/\u{301}b/../base\"]\n",
      "k/base/kustomization.yaml": "resources: [../../own/o.yaml]\n", "k/a/\u{301}b/x": "",
      "k/a/base/kustomization.yaml": evil,
    ])
    _ = try await refusal(project)
    #expect(ran(project) == nil)
    project = try self.project([
      "skaffold.yaml": Self.skaffold("--reorder=legacy"),
      "k/kustomization.yaml": "resources: [\"caf\u{e9}\", \"cafe\u{301}\"]\n",
      "k/caf\u{e9}/kustomization.yaml": "resources: [../../own/o.yaml]\n",
    ])
    // The two are one key of a dictionary.
    try project.write("repo/k/cafe\u{301}/kustomization.yaml", "resources: [../../../home/config]\n")
    _ = try await refusal(project)
    #expect(ran(project) == nil)
  }

  @Test("A base's own references count too, and what is in the repository may be read", .enabled(if: Here.tool != nil))
  func inside() async throws {
    let project = try project([
      "skaffold.yaml": Self.skaffold("--load-restrictor=LoadRestrictionsNone").replacing(
        "    - --reorder=none\n", with: ""),
      "k/kustomization.yaml": "resources: [../base]\n", "base/kustomization.yaml": "resources: [../own/o.yaml]\n",
    ])
    #expect(
      try await Rendering.render([try load(project)], patches: nil, environment: Here.environment).manifests.map(\.name)
        == ["secret"])
    try project.write("repo/base/kustomization.yaml", "resources: [../../home/config]\n")
    #expect(try await refusal(project).diagnostics[0].position?.file == project.path + "/repo/base/kustomization.yaml")
    let trusted = try await Rendering.render(
      [try load(project)], patches: nil, trust: Trust(isEverything: true), environment: Here.environment)
    #expect(
      trusted.manifests.map(\.name) == ["secret"]
        && trusted.demands.map(\.key) == ["outside \(project.path)/home/config"])
  }

  @Test(
    "Raw manifests are the repository's files, however they are named",
    arguments: [
      "../home/config", "HOME/config", "k/link", "dirlink/config", "dirlink/*", "../home/conf*", "k/l*k",
      "../**/config",
    ])
  func raw(path: String) async throws {
    let project = try project([:])
    let written = path.replacing("HOME", with: project.path + "/home")
    try project.write(
      "repo/skaffold.yaml", "apiVersion: skaffold/v4beta11\nkind: Config\nmanifests: {rawYaml: ['\(written)']}\n")
    let manifests = try? await Rendering.render([try load(project)], patches: nil, environment: [:]).manifests
    #expect(manifests?.isEmpty ?? true)
  }

  @Test("Raw manifests outside are read when a person allows it")
  func rawAllowed() async throws {
    let project = try project([
      "skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\nmanifests: {rawYaml: [../home/config]}\n"
    ])
    #expect(
      try await Rendering.render([try load(project)], patches: nil, trust: Trust(isEverything: true), environment: [:])
        .manifests.count == 1)
  }

  // MARK: The repository

  @Test("The repository is the Git work tree, a home directory excepted; else the directory itself")
  func root() throws {
    let project = try project([:])
    let path = project.path + "/repo"
    #expect(Repository.root(of: path + "/k") == path)
    #expect(Repository.root(of: project.path + "/home/k") == project.path + "/home/k")
    #expect(Repository.root(of: path + "/k", home: path) == path + "/k")
    #expect(Repository.root(of: path + "/k", home: path + "/own") == path + "/k")
  }

  @Test("Links in a circle are followed once", .timeLimit(.minutes(1)))
  func circles() throws {
    let project = try Project(["a/b/x.yaml": ""])
    for name in ["one", "two", "three"] {
      try FileManager.default.createSymbolicLink(atPath: project.path + "/a/b/" + name, withDestinationPath: "../..")
    }
    #expect(try Skaffold.Glob.files(project.path + "/**/*.yaml") == [project.path + "/a/b/x.yaml"])
    #expect(try Skaffold.Glob.files(project.path + "/*").count == 1)
  }

  @Test("Many ** search each directory once", .timeLimit(.minutes(1)))
  func stars() throws {
    let deep = (0..<60).map { _ in "d" }.joined(separator: "/")
    let project = try Project(["\(deep)/x.yaml": "", "d/y.yaml": ""])
    let file = project.path + "/\(deep)/x.yaml"
    for stars in ["/**/**/**/**/**/**/**/**/x.yaml", "/**/d/**/d/**/d/**/d/**/d/**/x.yaml"] {
      #expect(try Skaffold.Glob.files(project.path + stars) == [file])
    }
    #expect(
      try Skaffold.Glob.files(project.path + "/**") == [
        project.path + "/d/d/\(deep.dropFirst(4))/x.yaml", project.path + "/d/y.yaml",
      ])
  }

  @Test(
    "A skaffold.yaml of 10 MB is refused, and so is one whose artifacts require each other in a long chain",
    .timeLimit(.minutes(1)))
  func large() throws {
    let project = try Project([
      "skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\n"
        + String(repeating: "# comment\n", count: 1_000_000)
    ])
    let error = try #require(throws: InputError.self) { try project.load() }
    #expect(error.description.contains("more than 1 MiB"))
    let chain = (0..<5000).map { "  - {image: a\($0), custom: {buildCommand: x}, requires: [{image: a\($0 + 1)}]}\n" }
      .joined()
    let problems = try Project.problems("apiVersion: skaffold/v4beta11\nkind: Config\nbuild:\n  artifacts:\n" + chain)
    #expect(problems.contains { $0.message.contains("more than 500 artifacts") })
  }
}
