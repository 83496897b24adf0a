import FoundationEssentials
import Manifests
import Skaffold
import Watching

/// The inputs of an artifact's image: equal inputs, equal image.
struct ArtifactInputs: Sendable, Hashable {
  var options: String
  var digest: String
}

extension Artifact {
  /// A key for each distinct artifact: two projects may use one image name.
  var cacheKey: String {
    switch build {
    case .docker(let docker): "\(image) \(context) \(docker.dockerfile)"
    case .custom(let custom): "\(image) \(context) \(custom.command)"
    case .other(let builder): "\(image) \(context) \(builder)"
    }
  }

  /// - Throws: `contextMissing`, `dockerfileMissing`.
  func checkFiles() throws(BuildError) {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: context, isDirectory: &isDirectory), isDirectory else {
      throw BuildError(
        .contextMissing,
        "the build context \(context) "
          + (FileManager.default.fileExists(atPath: context) ? "is no directory" : "does not exist"),
        artifact: image,
        position: position, remedy: "correct `context`, or start from the directory that it is relative to")
    }
    if case .docker(let docker) = build, !FileManager.default.isReadableFile(atPath: docker.dockerfile) {
      throw BuildError(
        .dockerfileMissing, "the Dockerfile \(docker.dockerfile) does not exist, or cannot be read", artifact: image,
        position: position,
        remedy: "correct `docker.dockerfile`: it is relative to the context")
    }
  }

  /// Reads and hashes the sources.
  func sourcesDigest(environment: [String: String], hashes: FileHashes) throws(BuildError) -> String {
    do throws(WatchError) {
      return try buildContext(environment: environment).digest(hashes)
    } catch {
      let place = error.file.flatMap { file in error.line.map { SourcePosition(file: file, line: $0) } }
      throw BuildError(
        .badInput, error.message, artifact: image, position: place ?? position,
        remedy: error.remedy.isEmpty ? nil : error.remedy)
    }
  }

  private func buildContext(environment: [String: String]) throws(WatchError) -> BuildContext {
    func values(_ arguments: [BuildArgument]) -> [String: String] {
      Dictionary(
        arguments.compactMap { argument in (argument.value ?? environment[argument.name]).map { (argument.name, $0) } },
        uniquingKeysWith: { $1 })
    }
    switch build {
    case .docker(let docker):
      return try BuildContext(
        directory: context, dockerfile: docker.dockerfile, buildArgs: values(docker.buildArgs), target: docker.target)
    case .custom(let custom):
      if let dockerfile = custom.dependencies.dockerfile {
        return try BuildContext(
          directory: context, dockerfile: dockerfile, buildArgs: values(custom.dependencies.buildArgs))
      }
      return try BuildContext(directory: context, paths: custom.dependencies.paths, ignore: custom.dependencies.ignore)
    case .other: return try BuildContext(directory: context, paths: ["."])
    }
  }

  /// Returns all inputs but files.
  func options(_ settings: BuildSettings, store: BuilderStore, environment: [String: String], required: [BuiltImage])
    -> String
  {
    var parts = [settings.platforms.joined(separator: ","), required.map(\.id).joined(separator: ",")]
    switch build {
    case .docker(let docker):
      var docker = docker
      for index in docker.buildArgs.indices where docker.buildArgs[index].value == nil {
        docker.buildArgs[index].value = environment[docker.buildArgs[index].name]
      }
      parts += [store.description, settings.extraArguments.joined(separator: " "), "\(docker)"]
    case .custom(let custom):
      parts.append(custom.command)
    case .other(let builder): parts.append(builder)
    }
    return parts.joined(separator: "\n")
  }
}
