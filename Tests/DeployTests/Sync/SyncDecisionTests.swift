import Skaffold
import Testing

@testable import Deploy

struct SyncDecisionTests {
  private func artifact(_ rules: SyncRule...) -> Artifact {
    Artifact(
      image: "shop/user", context: "/src/user", build: .docker(DockerBuild(dockerfile: "/src/user/Dockerfile")),
      sync: rules)
  }

  @Test("Files go where their rule says, less what is stripped")
  func synced() {
    let artifact = artifact(
      SyncRule(source: "web/**/*.js", destination: "/app", strip: "web/"), SyncRule(source: "*.txt", destination: "."))
    let decision = SyncDecision.of(
      artifact, changed: ["/src/user/web/a/b.js", "/src/user/x.txt"], deleted: ["/src/user/web/c.js"])
    #expect(
      decision
        == .sync([
          FileChange(source: "/src/user/web/a/b.js", destination: "/app/a/b.js"),
          FileChange(source: "/src/user/x.txt", destination: "x.txt"),
          FileChange(source: nil, destination: "/app/c.js"),
        ]))
  }

  @Test("Files that are inferred go where the Dockerfile copies them")
  func inferred() {
    var artifact = artifact()
    artifact.inferredSync = ["web/**/*.js", "*.txt"]
    let places = { (path: String) -> [String]? in
      path == "x.txt" ? [] : path == "y.txt" ? nil : ["/app/\(path)", "/copy/\(path)"]
    }
    #expect(
      SyncDecision.of(artifact, changed: ["/src/user/web/a/b.js"], deleted: ["/src/user/web/c.js"], places: places)
        == .sync([
          FileChange(source: "/src/user/web/a/b.js", destination: "/app/web/a/b.js"),
          FileChange(source: "/src/user/web/a/b.js", destination: "/copy/web/a/b.js"),
          FileChange(source: nil, destination: "/app/web/c.js"), FileChange(source: nil, destination: "/copy/web/c.js"),
        ]))
    #expect(
      SyncDecision.of(artifact, changed: ["/src/user/main.go"], deleted: [], places: places)
        == .build(reason: "main.go is in no sync rule"))
    for name in ["x.txt", "y.txt"] {
      #expect(
        SyncDecision.of(artifact, changed: ["/src/user/\(name)"], deleted: [], places: places)
          == .build(reason: "the Dockerfile does not show where \(name) goes"))
    }
  }

  @Test("One file without a rule, and everything is built")
  func built() {
    let decision = SyncDecision.of(
      artifact(SyncRule(source: "*.js", destination: "/app")), changed: ["/src/user/a.js", "/src/user/main.go"],
      deleted: [])
    #expect(decision == .build(reason: "main.go is in no sync rule"))
  }
}
