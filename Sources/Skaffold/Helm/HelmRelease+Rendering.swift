import Inputs
import Manifests

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension HelmRelease {
  /// The conditions of a rendering.
  struct Conditions: Sendable {
    var trust: Trust
    /// The variables that templates see.
    var environment: [String: String]
    /// The variables of helm.
    var tools: [String: String]
    var images: HelmImages
    /// The namespace that the user asked for; it wins over the release's own.
    var namespace: String?
    var cache: HelmCache?
    /// The programs that templates may run; nil: none.
    var commands: TemplateCommands?
  }

  /// A rendered release.
  struct Rendered: Sendable {
    var manifests: [Manifest] = []
    var demands: [Demand] = []
    var warnings: [Diagnostic] = []
  }

  /// Renders the chart by `helm template`.
  /// - Throws: `InputError` with every demand that is not allowed, or Helm's own words at the template's line.
  func render(_ conditions: Conditions) async throws(InputError) -> Rendered {
    var result = Rendered()
    let chart: HelmChart? =
      if case .local(let path) = chart, Paths.isDirectory(path) == true { try HelmChart(path, at: position) } else {
        nil
      }
    if case .local(let path) = self.chart, Paths.isDirectory(path) == nil {
      throw InputError("the chart \(path) does not exist", at: position, remedy: "correct chartPath, or make the chart")
    }
    let settings = try settings(conditions)
    let options = HelmOptions(
      flags.template + HelmOptions.settingValues(isDeployed ? flags.install : []) + flags.global)
    let dependencyOptions = HelmOptions(flags.dependencyBuild)
    if let refused = (options.refused + dependencyOptions.refused).first {
      throw InputError(
        "helm's option '\(refused.word.text)' cannot be used here", at: refused.word.position, field: "flags",
        remedy: refused.remedy)
    }
    try check(demands(chart, settings, options, dependencyOptions), conditions.trust, &result)
    guard let path = InstalledProgram.find("helm", environment: conditions.tools) else {
      throw InputError(
        "helm is not in PATH (\(conditions.tools["PATH"] ?? "not set")), and the release \(name) is a chart",
        at: position, remedy: "install Helm 3 or newer: https://helm.sh/docs/intro/install")
    }
    let call = HelmCall(
      program: Program(path: path), release: self, chart: chart, settings: settings,
      options: options.all, dependencyOptions: dependencyOptions.all,
      namespace: conditions.namespace ?? namespace, environment: conditions.tools)
    let output = try await conditions.cache.output(of: call)
    result.warnings += output.warnings
    result.manifests = try read(output.text, chart, conditions.namespace ?? namespace, &result.warnings)
    return result
  }

  private func check(_ demands: [Demand], _ trust: Trust, _ result: inout Rendered) throws(InputError) {
    let refused = demands.filter { !trust.allows($0) }
    if !refused.isEmpty { throw InputError(refused.map(\.refusal)) }
    result.demands += demands
  }

  // MARK: Values

  /// The values that the chart gets, templates filled in.
  struct Settings: Sendable, Hashable {
    var sets: [String]
    var files: [Placed]
    var setFiles: [Setting]
  }

  private func settings(_ conditions: Conditions) throws(InputError) -> Settings {
    let variables = conditions.environment.merging(conditions.images.variables) { $1 }
    var problems: [Diagnostic] = []
    func expanded(_ text: String, _ position: SourcePosition?, _ field: String) -> String {
      do throws(EnvTemplate.Problem) {
        return try EnvTemplate(text).expanded(variables, commands: conditions.commands)
      } catch {
        problems.append(error.error(at: position, field: field))
        return ""
      }
    }
    var sets = setValues.map { "\($0.name)=\($0.value)" }
    for setting in setValueTemplates {
      var value = expanded(setting.value, setting.position, "setValueTemplates")
      // A reference without a digest, as Skaffold writes it too.
      if value.hasSuffix("@") { value.removeLast() }
      sets.append(expanded(setting.name, setting.position, "setValueTemplates") + "=" + value)
    }
    let files = valuesFiles.map { Placed(text: expanded($0.text, $0.position, "valuesFiles"), position: $0.position) }
    if !problems.isEmpty { throw InputError(problems) }
    for file in files {
      try check(path: file.text, isURL: file.text.contains("://"), at: file.position, field: "valuesFiles")
    }
    for setting in setFiles {
      // `a=/other,b` would be two names, and the first a file of its own; `a\` takes the sign that ends it.
      guard !setting.name.utf8.contains(where: ",=\0".utf8.contains), setting.name.utf8.last != UInt8(ascii: "\\")
      else {
        throw InputError(
          "a file cannot be given as '\(setting.name)'", at: setting.position, field: "setFiles",
          remedy: "write a name without ',' and '=', and without a '\\' at its end")
      }
      try check(path: setting.value, isURL: false, at: setting.position, field: "setFiles")
    }
    return Settings(sets: sets, files: files, setFiles: setFiles)
  }

  /// Refuses a path that helm would read as several, and one that is no file.
  private func check(path: String, isURL: Bool, at position: SourcePosition?, field: String) throws(InputError) {
    guard !path.utf8.contains(where: ",\"\\\n\r\0".utf8.contains) else {
      throw InputError(
        "helm cannot be given the path '\(path)'", at: position, field: field,
        remedy: "rename it, or the directories above it: helm divides paths at ',' and reads '\"' and '\\' as its own")
    }
    if isURL { return }
    guard Paths.isDirectory(path) != nil else {
      throw InputError(
        "\(path) does not exist", at: position, field: field, remedy: "correct the path, or make the file")
    }
    guard Paths.isRegularFile(path) else {
      throw InputError("\(path) is no regular file", at: position, field: field, remedy: "name a file")
    }
  }

  // MARK: Demands

  private func demands(
    _ chart: HelmChart?, _ settings: Settings, _ options: HelmOptions, _ dependencyOptions: HelmOptions
  ) throws(InputError) -> [Demand] {
    let root = Paths.real(root)
    var demands: [Demand] = []
    func network(_ place: String, _ position: SourcePosition?) { demands.append(.network(place, root, position)) }
    func file(_ path: String, _ position: SourcePosition?) {
      let real = Paths.real(path)
      if !Paths.isOf(root, real) { demands.append(.outside(real, root, position)) }
    }
    switch self.chart {
    case .remote(let name): network(repo.map { "\(name) of \($0)" } ?? name, position)
    case .local(let path):
      file(path, position)
      if Paths.isOf(root, Paths.real(path)), chart != nil {
        let tree = HelmChart.tree(path)
        guard tree.isComplete else {
          throw InputError(
            "\(path) holds more than \(HelmChart.mostDirectories) directories or \(HelmChart.mostFiles) files",
            at: position, field: "chartPath", remedy: "move what is no chart out of it")
        }
        for link in tree.files where !Paths.isOf(root, Paths.real(link)) {
          file(link, SourcePosition(file: link, line: 1))
        }
      }
      for (dependency, directory) in chart?.local ?? [] where !skipsDependencies {
        file(directory, dependency.position)
      }
    }
    for values in settings.files {
      if values.text.contains("://") {
        network(values.text, values.position)
      } else {
        file(values.text, values.position)
      }
    }
    for setting in settings.setFiles { file(setting.value, setting.position) }
    demands += options.demands(of: "helm", root)
    if usesSecrets {
      demands.append(
        Demand(
          key: "helm secrets", text: "useHelmSecrets: helm would run its plugin 'secrets'", position: position,
          root: root))
    }
    if let chart, let missing = chart.missing.first, !skipsDependencies {
      demands += dependencyOptions.demands(of: "helm dependency build", root)
      demands.append(
        Demand(
          key: Words.text(["helm", "dependency", "build"] + dependencyOptions.all + [chart.directory]),
          text: "\(chart.directory)/charts lacks \(missing.name), which helm would fetch from \(missing.repository), "
            + "and write there", position: missing.position, root: root))
    }
    return demands
  }

  // MARK: Objects

  private func read(
    _ text: String, _ chart: HelmChart?, _ namespace: String?, _ warnings: inout [Diagnostic]
  ) throws(InputError) -> [Manifest] {
    let sources = HelmSources(text, chart)
    var manifests: [Manifest] = []
    do throws(InputError) {
      manifests = try ManifestReader.parse(text, file: "helm template \(name)", warnings: &warnings)
    } catch {
      throw InputError(error.diagnostics.map { sources.placed($0) })
    }
    warnings = warnings.map { sources.placed($0) }
    if isDeployed { manifests.removeAll(where: Self.isForHelmAlone) }
    let hasPlaceholders = HelmImages.mayHavePlaceholders(text)
    for index in manifests.indices {
      manifests[index].position = manifests[index].position.map(sources.place)
      manifests[index].hasPlaceholders = hasPlaceholders
    }
    // Helm puts objects that name no namespace into the release's.
    guard isDeployed, let namespace else { return manifests }
    return ManifestPatches(dnsPolicy: false, pullPolicy: false, namespace: namespace).apply(to: manifests)
  }

  /// Checks whether an object is a hook that an installation or an upgrade does not run: a test, a deletion.
  static func isForHelmAlone(_ manifest: Manifest) -> Bool {
    guard let hooks = manifest.object["metadata"]?["annotations"]?["helm.sh/hook"]?.stringValue else { return false }
    let run: Set = ["pre-install", "post-install", "pre-upgrade", "post-upgrade", "crd-install"]
    return hooks.split(separator: ",").allSatisfy { !run.contains(String($0).trimmed) }
  }
}

/// The templates that Helm's output comes from: each document begins with `# Source: CHART/templates/…`.
struct HelmSources {
  /// The line of each comment in the output, and its file.
  private var sources: [(line: Int, file: String)] = []

  init(_ text: String, _ chart: HelmChart?) {
    guard let chart else { return }
    let prefix = "# Source: \(chart.name)/"
    var number = 0
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      guard line.hasPrefix(prefix) else { continue }
      sources.append((number, chart.directory + "/" + String(line.dropFirst(prefix.count)).trimmed))
    }
  }

  /// Returns the template of a line of the output; the line in it is not known.
  func place(_ position: SourcePosition) -> SourcePosition {
    guard let source = sources.last(where: { $0.line <= position.line }) else { return position }
    return SourcePosition(file: source.file, line: 1)
  }

  func placed(_ diagnostic: Diagnostic) -> Diagnostic {
    var diagnostic = diagnostic
    diagnostic.position = diagnostic.position.map(place)
    return diagnostic
  }
}
