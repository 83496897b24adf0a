import Manifests

/// The sources of the objects: files, kustomizations and charts.
public struct ManifestSources: Sendable, Hashable {
  /// Files and globs; absolute (`manifests.rawYaml`, before v3 `deploy.kubectl.manifests`).
  public var rawYAML: [String]
  public var kustomize: [KustomizeSource]
  public var helm: [HelmRelease] = []
  /// The commands around the rendering.
  public var hooks = Hooks()
  /// The repository that must hold the files of `rawYAML`; nil if the user named them.
  public var root: String?

  public init(rawYAML: [String] = [], kustomize: [KustomizeSource] = [], root: String? = nil) {
    self.rawYAML = rawYAML
    self.kustomize = kustomize
    self.root = root
  }

  /// False if something is deployed that has no objects here.
  var mayBeDefault = true
  /// True if nothing says where objects come from.
  var isUnspecified: Bool { mayBeDefault && rawYAML.isEmpty && kustomize.isEmpty && helm.isEmpty }

  /// Returns the objects, kustomizations and charts rendered; the user's files stay as they are.
  /// - Parameters:
  ///   - tool: nil finds one.
  ///   - trust: the demands beyond the repository's files that are allowed.
  ///   - environment: the variables that templates see.
  ///   - tools: the variables of kustomize, kubectl and helm; its PATH is searched. nil: `environment`.
  ///   - hooks: the variables of the hooks; nil: `environment`.
  ///   - images: for charts.
  ///   - namespace: that of charts, whatever they say; nil: their own.
  ///   - cache: the outputs of earlier calls.
  ///   - commands: the programs that templates may run; nil: none.
  ///   - demands: gets the demands that were allowed.
  ///   - warnings: gets duplicate keys in the files, and the tool's other messages.
  /// - Throws: `InputError` with every file that is missing or wrong, every demand
  ///   that is not allowed, or the tool's own words.
  public func render(
    tool: KustomizeTool? = nil, trust: Trust = Trust(), environment: [String: String],
    tools: [String: String]? = nil, hooks hookEnvironment: [String: String]? = nil,
    images: HelmImages = HelmImages(names: [], references: [:]), namespace: String? = nil, cache: HelmCache? = nil,
    commands: TemplateCommands? = nil,
    demands: inout [Demand], warnings: inout [Diagnostic]
  ) async throws(InputError) -> [Manifest] {
    let tools = tools ?? environment
    var manifests: [Manifest] = []
    var problems: [Diagnostic] = []
    let around = RenderHooks(
      hooks: hooks, root: root.map(Paths.real) ?? "/", environment: hookEnvironment ?? environment, namespace: namespace
    )
    for demand in around.demands {
      if trust.allows(demand) { demands.append(demand) } else { problems.append(demand.refusal) }
    }
    if problems.isEmpty { try await around.runBefore() }
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
      guard let tool = tool ?? KustomizeTool.installed(environment: tools) else {
        problems.append(
          Diagnostic(
            .error, "no program is installed that renders kustomizations", at: source.position,
            remedy: "install kubectl or kustomize"))
        break
      }
      do {
        manifests += try await source.render(
          tool: tool, trust: trust, environment: tools, demands: &demands, warnings: &warnings)
      } catch {
        problems += error.diagnostics
      }
    }
    let conditions = HelmRelease.Conditions(
      trust: trust, environment: environment, tools: tools, images: images, namespace: namespace, cache: cache,
      commands: commands)
    for result in await renderCharts(conditions) {
      switch result {
      case .success(let rendered):
        manifests += rendered.manifests
        warnings += rendered.warnings
        demands += rendered.demands.filter { !demands.contains($0) }
      case .failure(let error): problems += error.diagnostics
      }
    }
    if !problems.isEmpty { throw InputError(problems) }
    return try await around.runAfter(manifests, &warnings)
  }

  /// Renders the releases side by side.
  /// - Returns: the results in the order of the releases.
  private func renderCharts(_ conditions: HelmRelease.Conditions) async -> [Result<HelmRelease.Rendered, InputError>] {
    await withTaskGroup(of: (Int, Result<HelmRelease.Rendered, InputError>).self) { group in
      var results: [Int: Result<HelmRelease.Rendered, InputError>] = [:]
      for (index, release) in helm.enumerated() {
        if index >= Self.mostAtOnce, let done = await group.next() { results[done.0] = done.1 }
        group.addTask {
          do throws(InputError) { return (index, .success(try await release.render(conditions))) } catch {
            return (index, .failure(error))
          }
        }
      }
      for await done in group { results[done.0] = done.1 }
      return helm.indices.compactMap { results[$0] }
    }
  }

  private static let mostAtOnce = 4

  /// Returns the demand of a file that is not the repository's.
  private func demand(_ file: String) -> Demand? {
    guard let root = root.map(Paths.real) else { return nil }
    let path = Paths.real(file)
    return Paths.isOf(root, path) ? nil : .outside(path, root, SourcePosition(file: file, line: 1))
  }

  /// Returns the files of the objects, sorted: manifests, kustomizations and files they refer to (those without
  /// symbolic links in their paths). Missing files are included, since they may be created.
  public func watchedFiles() -> [String] {
    var warnings: [Diagnostic] = []
    var problems: [Diagnostic] = []
    var found = Set(files(&warnings, &problems)).union(
      rawYAML.filter { !Glob.isPattern($0) && Paths.isDirectory($0) == nil })
    for source in kustomize where !Paths.isURL(source.path) {
      let tree = KustomizationTree(source.path, root: source.ownRoot)
      found.formUnion(tree.files.union(tree.missing))
    }
    for release in helm { found.formUnion(release.watchedFiles()) }
    return found.sorted()
  }

  /// Returns the directories of charts: a new file in one counts.
  public func watchedDirectories() -> [String] {
    let all = helm.flatMap { release -> [String] in
      guard case .local(let path) = release.chart else { return [] }
      return HelmChart.tree(path).directories + [path]
    }
    let roots = Set(all)
    // A watched directory is watched with all below.
    return roots.filter { path in !roots.contains { $0 != path && Paths.isBelow(path, $0) } }.sorted()
  }

  /// Returns the raw manifests' files in the order given, globs expanded, each once.
  private func files(_ warnings: inout [Diagnostic], _ problems: inout [Diagnostic]) -> [String] {
    var files: [String] = []
    // By bytes, as the kernel knows files: two names that only look the same are two.
    var known: Set<[UInt8]> = []
    for pattern in rawYAML {
      var found: [String] = []
      switch Paths.isDirectory(pattern) {
      case false?: found = [pattern]
      case true?:
        problems.append(
          Diagnostic(.error, "\(pattern) is a directory", remedy: "write \(pattern)/*.yaml, or name a kustomization"))
      case nil where Glob.isPattern(pattern):
        var matching: [String] = []
        do { matching = try Glob.files(pattern, in: root) } catch {
          problems.append(
            Diagnostic(
              .error, "\(pattern) leads through more than \(error.limit) directories",
              remedy: "name the manifests' directory"))
          continue
        }
        for file in matching {
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
      for file in found where known.insert(Array(file.utf8)).inserted { files.append(file) }
    }
    return files
  }
}
