import Manifests

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

  /// The objects it gives.
  func render(tool: KustomizeTool, environment: [String: String], warnings: inout [Diagnostic]) async throws(InputError) -> [Manifest] {
    let output: (String, String)
    if Paths.isURL(path) {
      output = try await tool.build(path, arguments: buildArgs, of: self, environment: environment)
    } else {
      output = try await renderLocal(tool, environment, &warnings)
    }
    for line in output.1.split(whereSeparator: \.isNewline) where !line.contains("deprecated") {
      warnings.append(Diagnostic(.warning, "kustomize says: \(line)", at: position))
    }
    return try ManifestReader.parse(output.0, file: "kustomize build \(path)", warnings: &warnings).map { Manifest($0.object) }
  }

  private func renderLocal(
    _ tool: KustomizeTool, _ environment: [String: String], _ warnings: inout [Diagnostic]
  ) async throws(InputError) -> (String, String) {
    let tree = KustomizationTree(path)
    warnings += tree.warnings
    if !tree.errors.isEmpty { throw InputError(tree.errors) }
    if tree.kustomizations.isEmpty {
      throw InputError("\(path) holds no kustomization", at: position, remedy: "make a \(Kustomization.names[0]) there, or correct the path")
    }
    guard !tree.toCopy.isEmpty else { return try await tool.build(path, arguments: buildArgs, of: self, environment: environment) }
    let copy = try KustomizationCopy(of: tree)
    defer { copy.remove() }
    return try await tool.build(copy.root, arguments: buildArgs, of: self, environment: environment)
  }
}
