import Manifests

/// Where the objects come from: files, and kustomizations.
public struct ManifestSources: Sendable, Hashable {
  /// Files and globs; absolute (`manifests.rawYaml`, before v3 `deploy.kubectl.manifests`). URLs are left as they are.
  public var rawYAML: [String]
  public var kustomize: [KustomizeSource]

  public init(rawYAML: [String] = [], kustomize: [KustomizeSource] = []) {
    self.rawYAML = rawYAML
    self.kustomize = kustomize
  }

  /// The objects, kustomizations rendered; the user's files stay as they are.
  /// - Parameters:
  ///   - tool: nil finds one.
  ///   - warnings: gets what the files say twice, and what the tool says beside its output.
  /// - Throws: `InputError` with every file that is missing or wrong, or the tool's own words.
  public func render(tool: KustomizeTool? = nil, environment: [String: String], warnings: inout [Diagnostic]) async throws(InputError) -> [Manifest] {
    fatalError()
  }

  /// The files that the objects come from, sorted: manifests, kustomizations and what they refer to.
  /// What cannot be read is left out, since `render` tells.
  public func watchedFiles() -> [String] { fatalError() }
}

/// A directory with a kustomization.
public struct KustomizeSource: Sendable, Hashable {
  /// Absolute, or a URL.
  public var path: String
  /// Arguments for `kustomize build`; old spellings are understood.
  public var buildArgs: [String]
  public var position: SourcePosition?

  public init(path: String, buildArgs: [String] = [], position: SourcePosition? = nil) {
    self.path = path
    self.buildArgs = buildArgs
    self.position = position
  }
}

/// The installed program that renders kustomizations.
public enum KustomizeTool: Sendable, Hashable {
  /// `kubectl kustomize`, by its absolute path.
  case kubectl(String)
  /// `kustomize build`, by its absolute path.
  case kustomize(String)

  /// The first one in the PATH: kustomize, then kubectl.
  public static func installed(environment: [String: String]) -> KustomizeTool? { fatalError() }
}
