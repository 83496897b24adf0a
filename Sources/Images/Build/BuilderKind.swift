import Inputs

/// A program that builds images from Dockerfiles.
public enum BuilderKind: String, Sendable, Hashable, CaseIterable {
  case docker, podman, buildah

  /// Returns the kinds whose program is installed, in the order of `allCases`. Docker's daemon is not asked.
  public static func installed(environment: [String: String]) -> [BuilderKind] {
    allCases.filter { InstalledProgram.find($0.rawValue, environment: environment) != nil }
  }

  /// Returns the builder to use: the requested one, or the first installed of docker (if its daemon
  /// answers), buildah, podman.
  /// - Parameter wanted: nil for the default choice.
  /// - Throws: `builderMissing` with the names and places searched; `daemonDown` if docker is the only
  ///   one, or requested.
  public static func choose(_ wanted: BuilderKind?, environment: [String: String]) async throws(BuildError)
    -> BuilderKind
  {
    if let wanted {
      if wanted == .docker {
        try await checkDaemon(environment)
      } else {
        _ = try StoreTool(BuilderStore(wanted), environment: environment)
      }
      return wanted
    }
    let installed = installed(environment: environment)
    var down: BuildError?
    if installed.contains(.docker) {
      do throws(BuildError) {
        try await checkDaemon(environment)
        return .docker
      } catch {
        if error.reason == .cancelled { throw error }
        down = error
      }
    }
    // buildah is the engine of podman's build, with less around it.
    if let other = [BuilderKind.buildah, .podman].first(where: installed.contains) { return other }
    if let down { throw down }
    throw BuildError(
      .builderMissing,
      "no image builder is installed: looked for docker, podman and buildah in \(InstalledProgram.places(environment))",
      remedy:
        "install one of them (apt-get install buildah), "
        + "or give artifacts a command of their own (build.artifacts[].custom)"
    )
  }

  private static func checkDaemon(_ environment: [String: String]) async throws(BuildError) {
    let answer = try await StoreTool(BuilderStore(.docker), environment: environment).child([
      "version", "--format", "{{.Server.Version}}",
    ]).read()
    guard answer.status != 0 else { return }
    throw BuildFailure(
      tool: "docker", status: answer.status, output: answer.error.split(whereSeparator: \.isNewline).map(String.init),
      places: []
    )
    .error(.daemonDown, "docker's daemon does not answer")
  }
}
