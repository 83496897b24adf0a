import FoundationEssentials
import Images
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
