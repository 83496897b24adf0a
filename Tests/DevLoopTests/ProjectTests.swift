import FoundationEssentials
import Glibc
import Images
import KubeAPI
import Skaffold
import Testing

@testable import DevLoop

struct ProjectTests {
  @Test func withoutAnythingToWorkFromItSaysWhatToGive() {
    let error = #expect(throws: LoopError.self) {
      try Project(workingDirectory: "/nowhere", environment: [:]).skaffoldFile()
    }
    #expect(error?.remedy?.contains("--manifests") == true)
  }

  @Test func aRelativeFileIsRelativeToTheWorkingDirectory() throws {
    var project = Project(workingDirectory: "/src/user", environment: [:])
    project.file = "../../development/user/skaffold.yaml"
    #expect(try project.skaffoldFile() == "/src/user/../../development/user/skaffold.yaml")
  }

  private func withState(_ test: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.path + "/runs-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try test(directory)
  }

  @Test func eachProjectHasARunOfItsOwn() throws {
    var one = Project(workingDirectory: "/src/user", environment: [:])
    one.file = "skaffold.yaml"
    var other = one
    other.workingDirectory = "/src/other/user"
    try withState { state throws in
      let names = RunNames(stateDirectory: state)
      #expect(try names.name(of: one).hasPrefix("user-"))
      #expect(try names.name(of: one) != names.name(of: other))
      #expect(try names.name(of: one) == RunNames(stateDirectory: state).name(of: one))
      // Some modules alone do not prune the others' objects.
      other = one
      other.modules = ["db"]
      #expect(try names.name(of: one) != names.name(of: other))
    }
  }

  @Test func twoInstallationsAtTheSamePathAreTwoRuns() throws {
    var project = Project(workingDirectory: "/workspace", environment: [:])
    project.file = "skaffold.yaml"
    try withState { mine throws in
      try withState { theirs throws in
        #expect(
          try RunNames(stateDirectory: mine).name(of: project)
            != RunNames(stateDirectory: theirs).name(of: project))
        project.run = "ci 7"
        #expect(try RunNames(stateDirectory: mine).name(of: project) == "ci-7")
        #expect(try RunNames(stateDirectory: theirs).name(of: project) == "ci-7")
      }
    }
  }

  @Test func aRunThatCannotBeRememberedIsAnError() {
    var project = Project(workingDirectory: "/workspace", environment: [:])
    project.file = "skaffold.yaml"
    let error = #expect(throws: LoopError.self) { try RunNames(stateDirectory: "/proc/nowhere").name(of: project) }
    #expect(error?.remedy?.contains("--run") == true)
  }

  @Test func whatWasTrustedIsRememberedForItsRepository() throws {
    try withState { state throws in
      let memory = TrustMemory(file: state + "/trusted.json")
      memory.save([
        Demand(key: "--enable-helm", text: "", root: "/a"), Demand(key: "network https://x\ny", text: "", root: "/b"),
      ])
      #expect(memory.load() == ["/a": ["--enable-helm"], "/b": ["network https://x\ny"]])
    }
  }

  // MARK: skaffold.env

  @Test("Rendering gives a repository's variables to templates alone, and hooks get none that run code")
  func programsOfARendering() async throws {
    let directory = FileManager.default.temporaryDirectory.path + "/render-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let files = [
      "skaffold.yaml": """
      apiVersion: skaffold/v4beta11
      kind: Config
      manifests:
        hooks: {before: [{host: {command: [sh, -c, "env > hooked"]}}]}
        helm: {releases: [{name: r, chartPath: web, setValueTemplates: {who: "{{.WHO}}", evil: "{{.BASH_ENV}}"}}]}

      """,
      "skaffold.env": "WHO=me\nBASH_ENV=./evil\nHELM_PLUGINS=./evil\nhttps_proxy=http://host.invalid\nHOME=/evil\n",
      "web/Chart.yaml": "name: web\nversion: 1.0.0\n",
      "bin/helm": "#!/bin/sh\nenv > '\(directory)/ran'\nfor word; do echo \"word $word\" >> '\(directory)/ran'; done\n"
        + "printf 'apiVersion: v1\\nkind: Pod\\nmetadata: {name: p}\\n'\n",
    ]
    for (name, text) in files {
      let file = URL(filePath: directory + "/" + name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    #expect(chmod(directory + "/bin/helm", 0o755) == 0)
    let process = ["PATH": directory + "/bin:/usr/bin:/bin", "OWN": "1"]
    var project = Project(workingDirectory: directory, environment: process)
    project.trusts = true
    let setup = LoopSetup(project: project, stateDirectory: directory, cacheDirectory: directory) {
      (_: String?) throws(LoopError) -> KubeClient in throw LoopError(.cluster, "there is none")
    }
    let rendering = try await setup.render(options: LoopOptions(environment: process), namespace: nil)
    #expect(rendering.manifests.map(\.name) == ["p"])
    let ran = try String(contentsOfFile: directory + "/ran", encoding: .utf8).split(separator: "\n")
    #expect(ran.contains("OWN=1") && ran.contains("word who=me") && ran.contains("word evil=./evil"))
    let hooked = try String(contentsOfFile: directory + "/hooked", encoding: .utf8).split(separator: "\n")
    #expect(hooked.contains("OWN=1") && hooked.contains("WHO=me") && !ran.contains("WHO=me"))
    for name in ["BASH_ENV", "HELM_PLUGINS", "https_proxy", "HOME"] {
      #expect(!(ran + hooked).contains { $0.hasPrefix(name + "=") }, "\(name)")
      #expect(rendering.warnings.contains { $0.message.contains("alone see \(name):") && $0.position != nil })
    }
  }

  @Test("A file of the repository does not choose the kubeconfig, which names programs, nor the context")
  func clusterSettings() throws {
    try withState { directory throws in
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try Data("SKAFFOLD_PROFILE=p\nSKAFFOLD_KUBECONFIG=./evil\nSKAFFOLD_KUBE_CONTEXT=prod\n".utf8)
        .write(to: URL(filePath: directory + "/skaffold.env"))
      let (variables, warnings) = try Project.variables(in: directory, ["A": "1"])
      #expect(variables == ["A": "1", "SKAFFOLD_PROFILE": "p"])
      #expect(warnings.count == 2)
      #expect(warnings[0].contains("skaffold.env:2: ") && warnings[0].contains("SKAFFOLD_KUBECONFIG"))
      #expect(warnings[1].contains("skaffold.env:3: ") && warnings[1].contains("SKAFFOLD_KUBE_CONTEXT"))
      let own = ["SKAFFOLD_KUBECONFIG": "/mine", "SKAFFOLD_KUBE_CONTEXT": "kind"]
      let mine = try Project.variables(in: directory, own)
      #expect(mine.variables == own.merging(["SKAFFOLD_PROFILE": "p"]) { $1 } && mine.warnings.isEmpty)
    }
  }

  @Test("Without artifacts it does not matter how the cluster gets images")
  func nothingToBuild() {
    #expect(LoopSetup.bringsNothing([DevConfiguration(), DevConfiguration()]))
    let artifact = Artifact(image: "app", context: "/", build: .docker(DockerBuild(dockerfile: "/Dockerfile")))
    #expect(!LoopSetup.bringsNothing([DevConfiguration(), DevConfiguration(artifacts: [artifact])]))
  }

  @Test(
    "A default repository is where a cluster that does not show its product gets images",
    arguments: [
      (.unknownProduct, "registry.example/team", true), (.loadFailed, "registry.example/team", true),
      (.unknownProduct, nil, false), (.badInput, "registry.example/team", false),
      (.cancelled, "registry.example/team", false),
    ] as [(BuildError.Reason, String?, Bool)])
  func defaultRepository(reason: BuildError.Reason, repository: String?, isPushed: Bool) {
    let product = LoopSetup.fallback(BuildError(reason, "no"), defaultRepository: repository)
    #expect(product == (isPushed ? .registry(.init(push: "")) : nil))
  }

  @Test func anInsecureRegistryDoesNotMakeAllInsecure() {
    let pushes = DevConfiguration(push: true, insecureRegistries: ["localhost:5000"])
    #expect(LoopSetup.pushed([DevConfiguration(), pushes]) == .registry(.init(push: "", isInsecure: false)))
    #expect(LoopSetup.pushed([DevConfiguration(push: false, insecureRegistries: ["localhost:5000"])]) == nil)
  }
}
