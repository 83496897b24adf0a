import ArgumentParser
import ControlAPI
import DevLoop
import Skaffold
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
    let project = try command.project.project(environment: [:], stateDirectory: "/s", SkaffoldVariables([:]))
    #expect(
      project.file == "a.yaml" && project.profiles == ["one", "-two"] && project.defaultRepository == "registry.example"
    )
    #expect(
      command.target.builder?.kind == .buildah && command.target.load == "kind:dev"
        && command.target.allowContext == ["c"])
    #expect(
      !command.patches.options(project).dnsPolicy && command.patches.options(project).pullPolicy)
    #expect(command.loop.portForward == false && command.loop.tail == false && command.loop.keeps && command.once)
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
    #expect(error?.stage == .configuration && error?.message.contains("/nonexistent/builds.json") == true)
    #expect(error?.details.isEmpty == true)
    let other: DeployCommand = try parse("deploy --build-artifacts /proc/self/comm")
    #expect(throws: LoopError.self) { try other.images.references() }
  }

  @Test func devNamesBothClusters() throws {
    let command: DevCommand = try parse(
      "dev user --context staging -n shop --local-context kind-dev --port 9090:grpc --mirror")
    #expect(command.service == "user" && command.global.context == "staging" && command.localContext == "kind-dev")
    #expect(command.port.first?.local == 9090 && command.mirror && command.host)
  }

  @Test("dev copies objects with --mirror, and requests with --mirror-requests, which intercept takes as well")
  func devMirrors() throws {
    func rules(_ line: String) throws -> Set<String>? { try (parse(line) as DevCommand).wantedRules?.texts }
    #expect(try rules("dev user --mirror") == nil)
    #expect(try rules("dev user --mirror-requests") == ["copy *"])
    #expect(try rules("dev user --mirror --mirror-requests --path /api/*") == ["copy *\npath /api/*"])
    #expect(try rules("dev user --path /api/*") == ["path /api/*"])
    let intercept: InterceptCommand = try parse("intercept user --mirror-requests")
    #expect(intercept.mirror)
    let many = (0..<60).map { "--header h\($0)=1" }.joined(separator: " ")
    #expect(throws: (any Error).self) { try rules("dev user --mirror-requests \(many)") }
  }

  @Test func profilesAndModulesMayBeLists() throws {
    let command: WatchCommand = try parse("watch -p one,two -p -three -m web,db --sync-remote-cache missing")
    let project = try command.project.project(environment: [:], stateDirectory: "/s", SkaffoldVariables([:]))
    #expect(project.profiles == ["one", "two", "-three"] && project.modules == ["web", "db"])
    #expect(project.sync == .missing && project.propagatesProfiles && project.activatesProfiles && !project.trusts)
  }

  @Test func skaffoldsVariablesCountWhereNoFlagDoes() throws {
    let variables = SkaffoldVariables([
      "SKAFFOLD_FILENAME": "b.yaml", "SKAFFOLD_PROFILE": "x,y", "SKAFFOLD_MODULE": "web", "SKAFFOLD_DEFAULT_REPO": "r",
      "SKAFFOLD_SYNC_REMOTE_CACHE": "never", "SKAFFOLD_PROPAGATE_PROFILES": "false", "SKAFFOLD_TAIL": "0",
      "SKAFFOLD_PROFILE_AUTO_ACTIVATION": "false", "SKAFFOLD_IMAGES": "a=b", "SKAFFOLD_PORT_FORWARD": "user,services",
      "SKAFFOLD_MUTE_LOGS": "all", "SKAFFOLD_OWN": "1", "OTHER": "2",
    ])
    let plain: WatchCommand = try parse("watch")
    let project = try plain.project.project(environment: [:], stateDirectory: "/s", variables)
    #expect(project.file == "b.yaml" && project.profiles == ["x", "y"] && project.modules == ["web"])
    #expect(project.defaultRepository == "r" && project.sync == .never)
    #expect(!project.propagatesProfiles && !project.activatesProfiles)
    #expect(try !variables.isOn(.tail, default: true) && variables.isOn(.portForward, default: false))
    #expect(try variables.isOn(.tail, true, default: true) && variables.isOn(.cleanup, default: true))
    let named: WatchCommand = try parse("watch -f a.yaml -p z")
    let other = try named.project.project(environment: [:], stateDirectory: "/s", variables)
    #expect(other.file == "a.yaml" && other.profiles == ["z"])
    let objects: WatchCommand = try parse("watch --manifests k8s")
    #expect(try objects.project.project(environment: [:], stateDirectory: "/s", variables).file == nil)
    let render: RenderCommand = try parse("render")
    #expect(try render.images.references(variables) == ["a": "b"])
    #expect(variables.notes == ["SKAFFOLD_MUTE_LOGS is a setting of Skaffold that devtunnel does not have"])
    let wrong = SkaffoldVariables(["SKAFFOLD_TAIL": "perhaps", "SKAFFOLD_SYNC_REMOTE_CACHE": "daily"])
    #expect(throws: ControlError.self) { try wrong.isOn(.tail, default: true) }
    #expect(throws: ControlError.self) { try wrong.sync(nil) }
  }

  @Test(arguments: [
    "watch -f a.yaml -f b.yaml", "watch --keep --cleanup", "watch --mirror", "watch --builder kaniko",
    "deploy --images user", "render --images =x",
    "dev", "dev user --to a/b/c",
  ])
  func refusesWhatContradictsItself(line: String) {
    #expect(throws: (any Error).self) { try Devtunnel.parseAsRoot(line.split(separator: " ").map(String.init)) }
  }
}
