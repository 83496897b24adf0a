import ArgumentParser
import DevLoop
import Testing

@testable import Commands

struct DevParsingTests {
  private func parse<Command>(_ line: String, as type: Command.Type = Command.self) throws -> Command {
    try #require(try Devtunnel.parseAsRoot(line.split(separator: " ").map(String.init)) as? Command)
  }

  @Test func aWatchHasAllItsOptions() throws {
    let command: WatchCommand = try parse(
      "watch -f a.yaml -p one --profile -two --default-repo registry.example --builder buildah --load kind:dev "
        + "--allow-context c "
        + "--no-dns-policy --no-port-forward --no-tail --keep --once --output json"
    )
    let project = command.project.project(environment: [:])
    #expect(
      project.file == "a.yaml" && project.profiles == ["one", "-two"] && project.defaultRepository == "registry.example"
    )
    #expect(
      command.target.builder?.kind == .buildah && command.target.load == "kind:dev"
        && command.target.allowContext == ["c"])
    #expect(
      !command.patches.options(environment: [:], stateDirectory: "/s").dnsPolicy
        && command.patches.options(environment: [:], stateDirectory: "/s").pullPolicy)
    #expect(!command.loop.portForward && !command.loop.tail && command.loop.keeps && command.once)
  }

  @Test func withoutASkaffoldFileManifestsAndArtifactsAreGiven() throws {
    let command: WatchCommand = try parse(
      "watch --manifests k8s more.yaml --artifact user=. --artifact db=db:Dockerfile.dev")
    #expect(
      command.project.manifests == ["k8s", "more.yaml"]
        && command.project.artifact == ["user=.", "db=db:Dockerfile.dev"])
  }

  @Test func imagesAreGivenByName() throws {
    let command: DeployCommand = try parse("deploy --images user=registry.example/user:1 --images db=db@sha256:1")
    #expect(try command.images.references() == ["user": "registry.example/user:1", "db": "db@sha256:1"])
  }

  @Test func aListOfReferencesThatCannotBeReadIsToldPlainly() throws {
    let missing: DeployCommand = try parse("deploy --build-artifacts /nonexistent/builds.json")
    let error = #expect(throws: LoopError.self) { try missing.images.references() }
    #expect(
      error?.message == "/nonexistent/builds.json does not exist, or may not be read" && error?.details.isEmpty == true)
    let other: DeployCommand = try parse("deploy --build-artifacts /proc/self/comm")
    #expect(throws: LoopError.self) { try other.images.references() }
  }

  @Test func devNamesBothClusters() throws {
    let command: DevCommand = try parse(
      "dev user --context staging -n shop --local-context kind-dev --port 9090:grpc --mirror")
    #expect(command.service == "user" && command.global.context == "staging" && command.localContext == "kind-dev")
    #expect(command.port.first?.local == 9090 && command.mirror && command.host)
  }

  @Test(arguments: [
    "watch --keep --cleanup", "watch --mirror", "watch --builder kaniko", "deploy --images user", "render --images =x",
    "dev", "dev user --to a/b/c",
  ])
  func refusesWhatContradictsItself(line: String) {
    #expect(throws: (any Error).self) { try Devtunnel.parseAsRoot(line.split(separator: " ").map(String.init)) }
  }
}
