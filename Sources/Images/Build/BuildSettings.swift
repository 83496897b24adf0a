/// The settings that all artifacts of a run share.
public struct BuildSettings: Sendable, Hashable {
  /// The greatest number of builds at once.
  public var concurrency = 2
  /// `linux/amd64`…; empty for the machine's own. Becomes `PLATFORMS` and `--platform`.
  public var platforms: [String] = []
  /// True if an artifact's own command is to push (`PUSH_IMAGE`): for clusters that pull from a registry.
  public var pushes = false
  /// Registries (`host:port`) reached without TLS, or without checking its certificate.
  public var insecureRegistries: Set<String> = []
  /// The store to build into, for podman and buildah: `--root DIR --runroot DIR --storage-driver vfs`. Empty for the
  /// user's own.
  public var storageArguments: [String] = []
  /// Options for every `build` of docker, podman, buildah; an artifact's own options come after them.
  public var extraArguments: [String] = []

  public init() {}
}
