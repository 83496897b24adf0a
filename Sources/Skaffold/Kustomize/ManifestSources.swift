import Manifests

/// Where the objects come from: files, and kustomizations.
public struct ManifestSources: Sendable, Hashable {
  /// Files and globs; absolute (`manifests.rawYaml`, before v3 `deploy.kubectl.manifests`).
  public var rawYAML: [String]
  public var kustomize: [KustomizeSource]
  /// The repository, in which the files must be that `rawYAML` leads to; nil where a person named them.
  public var root: String?

  public init(rawYAML: [String] = [], kustomize: [KustomizeSource] = [], root: String? = nil) {
    self.rawYAML = rawYAML
    self.kustomize = kustomize
    self.root = root
  }

  /// The objects, kustomizations rendered; the user's files stay as they are.
  /// - Parameters:
  ///   - tool: nil finds one.
  ///   - trust: what the manifests may ask for beyond the repository's files.
  ///   - environment: the tool's; its PATH is searched.
  ///   - demands: gets what they asked for.
  ///   - warnings: gets what the files say twice, and what the tool says beside its output.
  /// - - Throws: `InputError` with every file that is missing or wrong, everything that is asked for and not allowed,
  ///   or the tool's own words.
  public func render(
    tool: KustomizeTool? = nil, trust: Trust = Trust(), environment: [String: String], demands: inout [Demand],
    warnings: inout [Diagnostic]
  ) async throws(InputError) -> [Manifest] {
    var manifests: [Manifest] = []
    var problems: [Diagnostic] = []
    for file in files(&warnings, &problems) {
      if let demand = demand(file) {
        guard trust.allows(demand) else {
          problems.append(demand.refusal)
          continue
        }
        demands.append(demand)
      }
      do {
        manifests += try ManifestReader.read(file, warnings: &warnings)
      } catch {
        problems += error.diagnostics
      }
    }
    for source in kustomize {
      guard let tool = tool ?? KustomizeTool.installed(environment: environment) else {
        problems.append(
          Diagnostic(
            .error, "no program is installed that renders kustomizations", at: source.position,
            remedy: "install kubectl or kustomize"))
        break
      }
      do {
        manifests += try await source.render(
          tool: tool, trust: trust, environment: environment, demands: &demands, warnings: &warnings)
      } catch {
        problems += error.diagnostics
      }
    }
    if !problems.isEmpty { throw InputError(problems) }
    return manifests
  }

  /// For a file that is not the repository's.
  private func demand(_ file: String) -> Demand? {
    guard let root = root.map(Paths.real) else { return nil }
    let path = Paths.real(file)
    return Paths.isOf(root, path) ? nil : .outside(path, root, SourcePosition(file: file, line: 1))
  }

  /// The files that the objects come from, sorted: manifests, kustomizations and what they refer to (those without
  /// symbolic links in their paths). What is named and not there is among them, since it may come.
  public func watchedFiles() -> [String] {
    var warnings: [Diagnostic] = []
    var problems: [Diagnostic] = []
    var found = Set(files(&warnings, &problems)).union(
      rawYAML.filter { !Glob.isPattern($0) && Paths.isDirectory($0) == nil })
    for source in kustomize where !Paths.isURL(source.path) {
      let tree = KustomizationTree(source.path, root: source.ownRoot)
      found.formUnion(tree.files.union(tree.missing))
    }
    return found.sorted()
  }

  /// The raw manifests' files in the order given, globs expanded, each once.
  private func files(_ warnings: inout [Diagnostic], _ problems: inout [Diagnostic]) -> [String] {
    var files: [String] = []
    var known: Set<String> = []
    for pattern in rawYAML {
      var found: [String] = []
      switch Paths.isDirectory(pattern) {
      case false?: found = [pattern]
      case true?:
        problems.append(
          Diagnostic(.error, "\(pattern) is a directory", remedy: "write \(pattern)/*.yaml, or name a kustomization"))
      case nil where Glob.isPattern(pattern):
        for file in Glob.files(pattern, in: root) {
          if Paths.hasManifestExtension(file) {
            found.append(file)
          } else {
            warnings.append(
              Diagnostic(
                .warning, "\(file) is left out: it is neither *.yaml, *.yml nor *.json",
                remedy: "name it without a glob if it is a manifest"))
          }
        }
        if found.isEmpty {
          warnings.append(
            Diagnostic(.warning, "no file matches \(pattern)", remedy: "correct the glob, or make the files"))
        }
      case nil:
        problems.append(Diagnostic(.error, "\(pattern) does not exist", remedy: "correct the path, or make the file"))
      }
      for file in found where known.insert(file).inserted { files.append(file) }
    }
    return files
  }
}
