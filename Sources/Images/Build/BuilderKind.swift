/// A program that builds images from Dockerfiles.
public enum BuilderKind: String, Sendable, Hashable, CaseIterable {
  case docker, podman, buildah

  /// The kinds whose program is in PATH or where administrators' programs stand, in the order of `allCases`. Docker's daemon is not asked.
  public static func installed(environment: [String: String]) -> [BuilderKind] {
    allCases.filter { Program.find($0.rawValue, environment: environment) != nil }
  }

  /// The builder to use: the one asked for, or the first installed of docker (where its daemon answers), podman, buildah.
  /// - Parameter wanted: nil for the choice by itself.
  /// - Throws: `builderMissing`, naming what was looked for and where; `daemonDown` where docker is the only one, or asked for.
  public static func choose(_ wanted: BuilderKind?, environment: [String: String]) async throws(BuildError) -> BuilderKind {
    fatalError("soon")
  }
}
