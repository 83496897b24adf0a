import Manifests

extension DevConfiguration {
  /// An image and its build context, as a command line gives it.
  public struct PlainArtifact: Sendable, Hashable {
    public var name: String
    public var context: String
    /// Relative to the context, else to the working directory; nil: `Dockerfile`.
    public var dockerfile: String?

    public init(name: String, context: String, dockerfile: String? = nil) {
      self.name = name
      self.context = context
      self.dockerfile = dockerfile
    }

    /// Reads `NAME=CONTEXT[:DOCKERFILE]`.
    /// - Throws: `InputError` if a part is missing.
    public init(parsing text: String) throws(InputError) {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let place =
        parts.count == 2
        ? parts[1].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init) : []
      guard parts.count == 2, !parts[0].isEmpty, let context = place.first, !context.isEmpty, place.last != "" else {
        throw InputError("'\(text)' is no artifact", remedy: "write NAME=CONTEXT or NAME=CONTEXT:DOCKERFILE")
      }
      self.init(name: String(parts[0]), context: context, dockerfile: place.count > 1 ? place[1] : nil)
    }
  }

  /// A configuration without a skaffold.yaml.
  /// - Parameter manifests: files, directories (their kustomization, else their *.yaml, *.yml and *.json) and globs.
  /// - Throws: `InputError` with every path that does not exist.
  public static func plain(manifests: [String], artifacts: [PlainArtifact], workingDirectory: String) throws(InputError)
    -> DevConfiguration
  {
    var problems: [Diagnostic] = []
    var configuration = DevConfiguration(tagPolicy: .inputDigest)
    for path in manifests {
      add(path, Paths.absolute(path, in: workingDirectory), to: &configuration.manifests, &problems)
    }
    for plain in artifacts {
      if configuration.artifacts.contains(where: { $0.image == plain.name }) {
        problems.append(
          Diagnostic(.error, "two artifacts are called \(plain.name)", remedy: "give each image its own name"))
      }
      if let artifact = artifact(plain, workingDirectory, &problems) { configuration.artifacts.append(artifact) }
    }
    guard problems.isEmpty else { throw InputError(problems) }
    return configuration
  }

  private static func add(
    _ written: String, _ path: String, to sources: inout ManifestSources, _ problems: inout [Diagnostic]
  ) {
    switch Paths.isDirectory(path) {
    case true?:
      if Kustomization.file(in: path) != nil {
        sources.kustomize.append(KustomizeSource(path: path))
      } else {
        let files = Paths.entries(path).filter(Paths.hasManifestExtension).map { path + "/" + $0 }.filter(Paths.isFile)
        if files.isEmpty {
          problems.append(
            Diagnostic(
              .error, "\(path) holds no manifests", remedy: "name a directory with *.yaml files or a kustomization"))
        }
        sources.rawYAML += files
      }
    case false?: sources.rawYAML.append(path)
    case nil where Glob.isPattern(written): sources.rawYAML.append(path)
    case nil:
      problems.append(Diagnostic(.error, "\(path) does not exist", remedy: "correct the path after --manifests"))
    }
  }

  private static func artifact(_ plain: PlainArtifact, _ workingDirectory: String, _ problems: inout [Diagnostic])
    -> Artifact?
  {
    let context = Paths.absolute(plain.context, in: workingDirectory)
    guard Paths.isDirectory(context) == true else {
      problems.append(
        Diagnostic(
          .error, "the build context \(context) of \(plain.name) is no directory",
          remedy: "write NAME=CONTEXT[:DOCKERFILE]"))
      return nil
    }
    let file = plain.dockerfile ?? "Dockerfile"
    guard let dockerfile = [context, workingDirectory].map({ Paths.absolute(file, in: $0) }).first(where: Paths.isFile)
    else {
      problems.append(
        Diagnostic(
          .error, "the Dockerfile \(Paths.absolute(file, in: context)) of \(plain.name) does not exist",
          remedy: "write NAME=CONTEXT:DOCKERFILE"))
      return nil
    }
    return Artifact(
      image: ImageName(plain.name).name, context: context, build: .docker(DockerBuild(dockerfile: dockerfile)))
  }
}
