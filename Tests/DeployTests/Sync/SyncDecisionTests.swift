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

  @Test("One file without a rule, and everything is built")
  func built() {
    let decision = SyncDecision.of(
      artifact(SyncRule(source: "*.js", destination: "/app")), changed: ["/src/user/a.js", "/src/user/main.go"],
      deleted: [])
    #expect(decision == .build(reason: "main.go is in no sync rule"))
  }
}
