import Manifests

/// Reads `manifests`: the sources of the objects.
struct ManifestsReader {
  let reader: FieldReader
  let workingDirectory: String
  /// The repository.
  let root: String

  /// Skaffold's default.
  static let defaultManifests = "k8s/*.yaml"

  func read(_ manifests: YAMLNode?) -> ManifestSources {
    reader.check(
      manifests,
      [
        "rawYaml": .read, "kustomize": .read, "output": .ignored("devtunnel writes no hydrated manifests"),
        "validate": .ignored("devtunnel runs no validators; pipe devtunnel render to them"),
        "transform": .unsupported("make the change in the manifests or in a kustomization"),
        "helm": .read,
        "kpt": .unsupported("render it, and name the result under rawYaml"),
        "hooks": .read,
        "remoteManifests": .unsupported("take the objects into these files"),
      ])
    var sources = ManifestSources(
      rawYAML: reader.elements(manifests?["rawYaml"]).compactMap(rawYAML),
      kustomize: kustomizations(manifests?["kustomize"]), root: root)
    sources.hooks = HookReader(reader: reader, workingDirectory: workingDirectory).rendering(manifests?["hooks"])
    return sources
  }

  private func rawYAML(_ node: YAMLNode) -> String? {
    guard let path = reader.expanded(node) else { return nil }
    if Paths.isURL(path) {
      reader.report(node.error("devtunnel reads no manifests from URLs", remedy: "download the file"))
      return nil
    }
    let absolute = Paths.absolute(path, in: workingDirectory)
    if !Glob.isPattern(path), Paths.isDirectory(absolute) == nil {
      reader.report(node.error("\(absolute) does not exist", remedy: hint(path)))
    }
    return absolute
  }

  private func kustomizations(_ node: YAMLNode?) -> [KustomizeSource] {
    guard let node else { return [] }
    reader.check(
      node,
      ["paths": .read, "path": .read, "buildArgs": .read, "flags": .read, "defaultNamespace": .read, "hooks": .read])
    var arguments: [String] = []
    var positions: [String: SourcePosition] = [:]
    for node in reader.elements(node["buildArgs"]) {
      guard let argument = reader.expanded(node) else { continue }
      arguments.append(argument)
      positions[argument] = node.position
    }
    func source(_ path: String, _ place: YAMLNode) -> KustomizeSource {
      var source = KustomizeSource(path: path, buildArgs: arguments, root: root, position: place.position)
      source.argumentPositions = positions
      return source
    }
    guard let paths = node["paths"] else { return [source(workingDirectory, node)] }
    return reader.elements(paths).compactMap { node in
      guard let path = reader.expanded(node) else { return nil }
      if Paths.isURL(path) { return source(path, node) }
      let absolute = Paths.absolute(path, in: workingDirectory)
      switch Paths.isDirectory(absolute) {
      case nil: reader.report(node.error("\(absolute) does not exist", remedy: hint(path)))
      case false?:
        reader.report(node.error("\(absolute) is a file", remedy: "name the directory that holds the kustomization"))
      case true?:
        if Kustomization.file(in: absolute) == nil {
          reader.report(
            node.error("\(absolute) holds no kustomization", remedy: "make a \(Kustomization.names[0]) there"))
        }
      }
      return source(absolute, node)
    }
  }

  private func hint(_ path: String) -> String { reader.hint(path, workingDirectory) }
}
