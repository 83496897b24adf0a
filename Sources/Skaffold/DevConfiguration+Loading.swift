import Inputs
import Manifests

extension DevConfiguration {
  /// Reads a skaffold.yaml.
  /// - Parameters:
  ///   - file: absolute, or relative to `workingDirectory`.
  ///   - workingDirectory: absolute; the base of relative paths in the file, as Skaffold's starting directory is.
  ///   - profiles: names to activate in this order; `-NAME` deactivates one that would activate itself.
  ///   - environment: the variables that templates and `activation.env` see.
  ///   - command: the value that `activation.command` sees: `dev`, `build`, …
  ///   - kubeContext: the value that `activation.kubeContext` sees.
  ///   - defaultRepository: the destination of images (Skaffold's `--default-repo`).
  ///   - checksSources: whether missing contexts and Dockerfiles are errors; false if nothing is built.
  /// - Returns: one for each configuration (YAML document) in the file.
  /// - Throws: `InputError` with every fault in the file.
  public static func load(
    file: String, workingDirectory: String, profiles: [String] = [], environment: [String: String] = [:],
    command: String = "dev",
    kubeContext: String? = nil, defaultRepository: String? = nil, checksSources: Bool = true
  ) throws(InputError) -> [DevConfiguration] {
    let path = Paths.absolute(file, in: workingDirectory)
    return try read(
      try ManifestReader.text(of: path), path: path, workingDirectory: workingDirectory, profiles: profiles,
      environment: environment, command: command,
      kubeContext: kubeContext, defaultRepository: defaultRepository, checksSources: checksSources)
  }

  /// Reads the text of the file at `path`, otherwise as `load` does.
  static func read(
    _ text: String, path: String, workingDirectory: String, profiles: [String], environment: [String: String],
    command: String = "dev", kubeContext: String?,
    defaultRepository: String? = nil, checksSources: Bool
  ) throws(InputError) -> [DevConfiguration] {
    var diagnostics: [Diagnostic] = []
    var limits = YAMLText.Limits()
    limits.text = 1 << 20
    let roots = try YAMLNode.documents(in: text, file: path, limits: limits, warnings: &diagnostics)
    if roots.isEmpty {
      throw InputError("\(path) is empty", remedy: "write a configuration, or give another file with -f")
    }
    for name in Skaffold.Profiles.unknown(profiles, in: roots) {
      diagnostics.append(
        Diagnostic(.error, "no profile is called '\(name)' in \(path)", remedy: "correct the name after -p"))
    }
    var configurations: [DevConfiguration] = []
    for root in roots {
      guard let version = version(of: root, &diagnostics) else { continue }
      let reader = FieldReader(version: version, environment: environment, checksSources: checksSources)
      let activation = Activation(command: command, kubeContext: kubeContext, reader: reader)
      let (merged, active) = Skaffold.Profiles(requested: profiles, activation: activation).apply(
        to: Modernizer.modernized(root, version))
      var configuration = ConfigurationReader(
        reader: reader, workingDirectory: workingDirectory, defaultRepository: defaultRepository,
        repository: Repository.root(of: Paths.directory(of: path))
      ).read(merged)
      configuration.profiles = active
      configuration.files = [path]
      configuration.warnings =
        diagnostics.filter { $0.severity == .warning && configurations.isEmpty }
        + reader.diagnostics.filter { $0.severity == .warning }
      configurations.append(configuration)
      diagnostics += reader.diagnostics
    }
    checkNames(configurations, &diagnostics)
    if diagnostics.contains(where: { $0.severity == .error }) { throw InputError(diagnostics) }
    return configurations
  }

  private static func version(of root: YAMLNode, _ diagnostics: inout [Diagnostic]) -> SchemaVersion? {
    guard let node = root["apiVersion"], let text = try? node.string() else {
      diagnostics.append(
        root.error(
          "apiVersion is missing", remedy: "begin with apiVersion: skaffold/… ; this file may be no skaffold.yaml"))
      return nil
    }
    let readable = "devtunnel knows \(ranges(SchemaVersion.readable))"
    guard let version = SchemaVersion(text) else {
      diagnostics.append(node.error("the schema '\(text)' is not known", remedy: readable))
      return nil
    }
    guard version >= .oldest else {
      diagnostics.append(
        node.error("the schema \(version) is too old", remedy: "\(readable); 'skaffold fix' brings the file up to date")
      )
      return nil
    }
    if let kind = root["kind"], (try? kind.string()) != "Config" {
      diagnostics.append(kind.error("kind must be Config", remedy: "write kind: Config"))
    }
    return version
  }

  /// `skaffold/v2beta1 to v2beta29, …`
  private static func ranges(_ versions: [SchemaVersion]) -> String {
    var groups: [(first: String, last: String)] = []
    func series(_ name: String) -> String { String(name.reversed().drop { $0.isNumber }.reversed()) }
    for version in versions {
      if let last = groups.last, series(last.last) == series(version.name), series(version.name) != "v" {
        groups[groups.count - 1].last = version.name
      } else {
        groups.append((version.name, version.name))
      }
    }
    return groups.map { $0.first == $0.last ? "skaffold/\($0.first)" : "skaffold/\($0.first) to \($0.last)" }.joined(
      separator: ", ")
  }

  /// Checks that an image has one artifact: configurations of one file build into the same cluster.
  private static func checkNames(_ configurations: [DevConfiguration], _ diagnostics: inout [Diagnostic]) {
    var owners: [String: Int] = [:]
    for (index, configuration) in configurations.enumerated() {
      for artifact in configuration.artifacts {
        guard let owner = owners[artifact.image], owner != index else {
          owners[artifact.image] = index
          continue
        }
        diagnostics.append(
          Diagnostic(
            .error, "another configuration in this file has an artifact called \(artifact.image)",
            at: artifact.position, field: "build.artifacts",
            remedy: "give each image its own name"))
      }
    }
  }
}
