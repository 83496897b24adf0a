import Manifests
import Skaffold
import Testing

struct PlainTests {
  @Test("NAME=CONTEXT[:DOCKERFILE]")
  func parsing() throws {
    #expect(try DevConfiguration.PlainArtifact(parsing: "shop=.") == .init(name: "shop", context: "."))
    #expect(
      try DevConfiguration.PlainArtifact(parsing: "a/b=src/x:dev.Dockerfile")
        == .init(name: "a/b", context: "src/x", dockerfile: "dev.Dockerfile"))
    for text in ["shop", "=x", "shop=", "shop=:x", "shop=x:"] {
      #expect(throws: InputError.self) { try DevConfiguration.PlainArtifact(parsing: text) }
    }
  }

  @Test("Files, globs, a directory of manifests and one with a kustomization")
  func sources() throws {
    let project = try Project([
      "k/kustomization.yaml": "resources: []", "m/b.yaml": "", "m/a.json": "", "m/notes.txt": "", "one.yaml": "",
      "app/Dockerfile": "",
    ])
    let configuration = try DevConfiguration.plain(
      manifests: ["k", "m", "one.yaml", "x/*.yaml"], artifacts: [.init(name: "shop", context: "app")],
      workingDirectory: project.path)
    #expect(
      configuration.manifests.rawYAML
        == ["m/a.json", "m/b.yaml", "one.yaml", "x/*.yaml"].map { project.path + "/" + $0 })
    #expect(configuration.manifests.kustomize == [KustomizeSource(path: project.path + "/k")])
    #expect(configuration.artifacts[0].build == .docker(DockerBuild(dockerfile: project.path + "/app/Dockerfile")))
    #expect(configuration.tagPolicy == .inputDigest)
  }

  @Test("Everything that is missing is reported")
  func missing() throws {
    let project = try Project(["empty/x.txt": "", "app/x": ""])
    let error = try #require(throws: InputError.self) {
      try DevConfiguration.plain(
        manifests: ["gone.yaml", "empty"],
        artifacts: [.init(name: "a", context: "gone"), .init(name: "b", context: "app")], workingDirectory: project.path
      )
    }
    #expect(error.diagnostics.count == 4)
  }
}
