import Manifests

/// A directory with a kustomization.
public struct KustomizeSource: Sendable, Hashable {
  /// Absolute, or a URL.
  public var path: String
  /// Arguments for `kustomize build`; old spellings are accepted.
  public var buildArgs: [String]
  /// The repository whose files it may read; nil for the one that `path` is in.
  public var root: String?
  public var position: SourcePosition?
  /// The position of each argument.
  public var argumentPositions: [String: SourcePosition] = [:]

  public init(path: String, buildArgs: [String] = [], root: String? = nil, position: SourcePosition? = nil) {
    self.path = path
    self.buildArgs = buildArgs
    self.root = root
    self.position = position
  }

  var ownRoot: String { root.map(Paths.real) ?? (Paths.isURL(path) ? path : Repository.root(of: path)) }

  /// Returns its objects.
  /// - Parameter demands: gets its demands beyond the repository's files that `trust` allows.
  func render(
    tool: KustomizeTool, trust: Trust, environment: [String: String], demands: inout [Demand],
    warnings: inout [Diagnostic]
  ) async throws(InputError) -> [Manifest] {
    let root = ownRoot
    let options = KustomizeOptions(buildArgs)
    if !options.refused.isEmpty { throw InputError(options.refused.map(refusal)) }
    var asked = options.demanded.map { word, why in
      Demand(key: word, text: "the option \(word): \(why)", position: argumentPosition(word), root: root)
    }
    if Paths.isURL(path) { asked.append(.network(path, root, position)) }
    let tree = Paths.isURL(path) ? nil : KustomizationTree(path, root: root)
    if let tree {
      warnings += tree.warnings
      asked += tree.demands
      if !tree.errors.isEmpty { throw InputError(tree.errors) }
      if tree.kustomizations.isEmpty {
        throw InputError(
          "\(path) holds no kustomization", at: position,
          remedy: "make a \(Kustomization.names[0]) there, or correct the path")
      }
    }
    let refused = asked.filter { !trust.allows($0) }
    if !refused.isEmpty { throw InputError(refused.map(\.refusal)) }
    demands += asked
    let words = options.passed + options.demanded.map(\.word)
    let copy: KustomizationCopy? = if let tree, !tree.toCopy.isEmpty { try KustomizationCopy(of: tree) } else { nil }
    defer { copy?.remove() }
    let (output, errors) = try await tool.build(
      copy?.root ?? path, options: words, readsOutside: copy != nil || tree?.readsOutside == true, of: self,
      environment: environment)
    for line in errors.split(whereSeparator: \.isNewline) where !line.contains("deprecated") {
      warnings.append(Diagnostic(.warning, "kustomize says: \(line)", at: position))
    }
    return try ManifestReader.parse(output, file: "kustomize build \(path)", warnings: &warnings).map {
      Manifest($0.object)
    }
  }

  private func refusal(_ word: String) -> Diagnostic {
    let isOutput = word.hasPrefix("-o") || word.hasPrefix("--output")
    return Diagnostic(
      .error,
      isOutput
        ? "'\(word)' would make kustomize write a file" : "'\(word)' is no option of kustomize that devtunnel knows",
      at: argumentPosition(word), field: "buildArgs",
      remedy: isOutput
        ? "leave it out: devtunnel reads what kustomize prints" : "the options are \(KustomizeOptions.names)")
  }

  /// The position of the argument that holds the word, perhaps in another spelling.
  private func argumentPosition(_ word: String) -> SourcePosition? {
    let name = word.split(separator: "=").first.map(String.init) ?? word
    let argument = buildArgs.first { argument in
      argument.replacing("_", with: "-").contains(name)
        || name == "--env" && argument.split(separator: " ").contains("-e")
    }
    return argument.flatMap { argumentPositions[$0] } ?? position
  }
}
