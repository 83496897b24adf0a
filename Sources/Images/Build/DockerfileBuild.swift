import Manifests
import Skaffold

/// The command line of a build.
struct DockerfileBuild: Sendable {
  var build: DockerBuild
  var context: String
  var tag: String
  var identifierFile: String
  var settings: BuildSettings
  /// Images of other artifacts, by the build argument that names them.
  var required: [(alias: String, reference: String)]
  /// A secret's id that marks the build's leftovers in the store as its own; see `Leftovers`.
  var marker: String
  /// True if the Dockerfile has ONBUILD: buildah and podman then have to write Docker's format.
  var hasTriggers = false

  func arguments(for kind: BuilderKind) -> [String] {
    var list = ["build", "--file", build.dockerfile, "--tag", tag, "--iidfile", identifierFile]
    if kind != .docker { list += ["--layers", "--secret", "id=\(marker),src=/dev/null"] }
    if kind != .docker, hasTriggers { list += ["--format", "docker"] }
    for required in required { list += ["--build-arg", "\(required.alias)=\(required.reference)"] }
    let imageTag = Manifests.ImageName(tag).tag ?? "latest"
    for argument in build.buildArgs {
      list += ["--build-arg", argument.value(tag: imageTag).map { "\(argument.name)=\($0)" } ?? argument.name]
    }
    if let target = build.target { list += ["--target", target] }
    if !settings.platforms.isEmpty { list += ["--platform", settings.platforms.joined(separator: ",")] }
    if build.noCache { list.append("--no-cache") }
    if build.pullParent { list.append(kind == .buildah ? "--pull-always" : "--pull") }
    if build.squash { list.append("--squash") }
    // podman and buildah take repositories of cached layers there, not images.
    if kind == .docker { for image in build.cacheFrom { list += ["--cache-from", image] } }
    if let network = build.network { list += ["--network", network] }
    for host in build.addHost { list += ["--add-host", host] }
    for secret in build.secrets { list += ["--secret", Self.text(secret)] }
    if let ssh = build.ssh { list += ["--ssh", ssh] }
    return list + settings.extraArguments + build.cliFlags + [context]
  }

  private static func text(_ secret: BuildSecret) -> String {
    "id=\(secret.id)" + (secret.source.map { ",src=\($0)" } ?? "") + (secret.environment.map { ",env=\($0)" } ?? "")
  }
}
