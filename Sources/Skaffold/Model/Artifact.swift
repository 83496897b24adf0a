import Manifests

/// An image to build (`build.artifacts[]`).
public struct Artifact: Sendable, Hashable {
  /// The name in the manifests, without tag.
  public var image: String
  /// The name it is built under, without tag: `image`, or its form for a default repository.
  public var repository: String {
    get { moved ?? image }
    set { moved = newValue }
  }
  private var moved: String?
  /// The directory that the build sees; absolute.
  public var context: String
  public var build: ArtifactBuild
  /// `sync.manual`: files that are copied into running containers instead of a build.
  public var sync: [SyncRule]
  /// `sync.infer`: globs, relative to the context, of files that are copied to where the Dockerfile copies them.
  public var inferredSync: [String] = []
  /// The commands around a sync.
  public var syncHooks = StepHooks()
  /// True if changed files may be copied into running containers.
  public var isSynced: Bool { !sync.isEmpty || !inferredSync.isEmpty }
  /// Images of other artifacts that must be built first.
  public var requires: [Requirement]
  /// The commands around a build; not if nothing has changed.
  public var hooks = Hooks()
  public var position: SourcePosition?

  /// An artifact whose image goes into another's build (`requires[]`).
  public struct Requirement: Sendable, Hashable {
    public var image: String
    /// The build argument that gets its reference.
    public var alias: String

    public init(image: String, alias: String) {
      self.image = image
      self.alias = alias
    }
  }

  public init(
    image: String, repository: String? = nil, context: String, build: ArtifactBuild, sync: [SyncRule] = [],
    requires: [Requirement] = [],
    position: SourcePosition? = nil
  ) {
    self.image = image
    moved = repository == image ? nil : repository
    self.context = context
    self.build = build
    self.sync = sync
    self.requires = requires
    self.position = position
  }
}

public enum ArtifactBuild: Sendable, Hashable {
  case docker(DockerBuild)
  case custom(CustomBuild)
  /// A builder that devtunnel does not have, by its field; nothing is built with it.
  case other(String)
}

/// `build.artifacts[].docker`: a Dockerfile for the installed builder.
public struct DockerBuild: Sendable, Hashable {
  /// Absolute.
  public var dockerfile: String
  /// Sorted by name, templates filled in.
  public var buildArgs: [BuildArgument]
  /// The stage to build; nil: the last.
  public var target: String?
  public var noCache: Bool
  /// True if base images are pulled even if present.
  public var pullParent: Bool
  public var squash: Bool
  public var cacheFrom: [String]
  /// `host`, `bridge`, `none`, `container:…`.
  public var network: String?
  /// `HOST:ADDRESS`.
  public var addHost: [String]
  public var secrets: [BuildSecret]
  /// `default` or `ID=SOCKET`, as `--ssh` takes it.
  public var ssh: String?
  /// Arguments for the builder, unchanged.
  public var cliFlags: [String]

  public init(
    dockerfile: String, buildArgs: [BuildArgument] = [], target: String? = nil, noCache: Bool = false,
    pullParent: Bool = false, squash: Bool = false,
    cacheFrom: [String] = [], network: String? = nil, addHost: [String] = [], secrets: [BuildSecret] = [],
    ssh: String? = nil, cliFlags: [String] = []
  ) {
    self.dockerfile = dockerfile
    self.buildArgs = buildArgs
    self.target = target
    self.noCache = noCache
    self.pullParent = pullParent
    self.squash = squash
    self.cacheFrom = cacheFrom
    self.network = network
    self.addHost = addHost
    self.secrets = secrets
    self.ssh = ssh
    self.cliFlags = cliFlags
  }
}

/// A Dockerfile's ARG. Without a value the builder takes it from its environment.
public struct BuildArgument: Sendable, Hashable {
  public var name: String
  public var value: String?

  /// Stands for the image's tag, which is known when the image is built.
  static let tagPlaceholder = "devtunnel-build-tag"

  /// Returns the value for an image of this tag.
  public func value(tag: String) -> String? { value?.replacing(Self.tagPlaceholder, with: tag) }

  public init(name: String, value: String?) {
    self.name = name
    self.value = value
  }
}

/// A secret for `RUN --mount=type=secret`: from a file, or from an environment variable.
public struct BuildSecret: Sendable, Hashable {
  public var id: String
  /// Absolute, or nil.
  public var source: String?
  public var environment: String?

  public init(id: String, source: String? = nil, environment: String? = nil) {
    self.id = id
    self.source = source
    self.environment = environment
  }
}

/// `build.artifacts[].custom`: a command that builds the image named by `$IMAGE`.
public struct CustomBuild: Sendable, Hashable {
  /// For `sh -c`; run in the artifact's context.
  public var command: String
  public var dependencies: Dependencies

  /// The files that trigger a build when they change.
  public struct Dependencies: Sendable, Hashable {
    /// Globs, relative to the context.
    public var paths: [String]
    public var ignore: [String]
    /// Absolute: its COPY and ADD are the dependencies.
    public var dockerfile: String?
    public var buildArgs: [BuildArgument]
    /// Prints a JSON list of paths.
    public var command: String?

    public init(
      paths: [String] = ["."], ignore: [String] = [], dockerfile: String? = nil, buildArgs: [BuildArgument] = [],
      command: String? = nil
    ) {
      self.paths = paths
      self.ignore = ignore
      self.dockerfile = dockerfile
      self.buildArgs = buildArgs
      self.command = command
    }
  }

  public init(command: String, dependencies: Dependencies = Dependencies()) {
    self.command = command
    self.dependencies = dependencies
  }
}

/// `build.artifacts[].sync.manual[]`.
public struct SyncRule: Sendable, Hashable {
  /// A glob, relative to the context.
  public var source: String
  /// A directory in the container: absolute, or relative to its working directory.
  public var destination: String
  /// The leading part of a file's path that is left out at the destination.
  public var strip: String?

  public init(source: String, destination: String, strip: String? = nil) {
    self.source = source
    self.destination = destination
    self.strip = strip
  }
}
