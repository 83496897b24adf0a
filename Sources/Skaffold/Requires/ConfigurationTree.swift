import Inputs
import Manifests

/// Reads a skaffold.yaml and the files that it requires, by Skaffold's rules (pkg/skaffold/parser/config.go): first
/// what a configuration requires, then itself; each once, with one set of profiles.
final class ConfigurationTree {
  /// A configuration in its file.
  private struct Document {
    var root: YAMLNode
    var version: SchemaVersion
  }

  /// The way a file was reached.
  private struct Visit {
    var file: String
    /// The names of the wanted configurations; empty: all.
    var selection: [String] = []
    var profiles: [String]
    /// True below a wanted module.
    var isRequired = false
    /// True if paths begin at the file's own directory.
    var isDependency = false
    /// The repository that files may be of.
    var repository: String
    var requirement: ConfigurationRequirement?
  }

  /// A configuration's identity, and whether it was only passed through on the way to a wanted module.
  private struct Stop: Hashable {
    var file: String
    var index: Int
    var isRequired: Bool
  }

  private let options: ReadingOptions
  private let checkouts: [GitSource.Place: String]
  /// Repositories that must be brought first.
  private(set) var wanted: [GitSource] = []
  private(set) var files: [String] = []
  private var documents: [String: [Document]] = [:]
  private var configurations: [DevConfiguration] = []
  private var demands: [Demand] = []
  private var diagnostics: [Diagnostic] = []
  /// Warnings about files as YAML.
  private var warnings: [Diagnostic] = []
  private var profileNames: Set<String> = []
  /// The files of the configurations' names.
  private var owners: [String: String] = [:]
  private var applied: [Stop: [String]] = [:]
  /// The configurations between the first file and the present one.
  private var open: [Stop] = []
  private var stops = 0

  /// The conditions under which a configuration was reached; they decide all that is read of it.
  private struct Arrival: Hashable {
    var stop: Stop
    var profiles: [String]
  }

  private var arrivals: Set<Arrival> = []
  /// The bytes of all files.
  private var size = 0

  private static let mostStops = 10_000

  /// The budgets of all files together.
  struct Limits {
    var depth = 64
    var files = 500
    /// In bytes.
    var text = 16 << 20
  }

  private let limits: Limits

  init(_ options: ReadingOptions, checkouts: [GitSource.Place: String], limits: Limits = Limits()) {
    self.limits = limits
    self.options = options
    self.checkouts = checkouts
  }

  /// - Parameters:
  ///   - path: absolute.
  ///   - text: nil reads the file.
  func read(_ path: String, text: String? = nil) {
    let visit = Visit(
      file: path, profiles: options.profiles, repository: Repository.root(of: Paths.directory(of: path)))
    read(visit, text: text)
    check(path)
  }

  var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

  func result() throws(InputError) -> ConfigurationSet {
    if hasErrors {
      var seen: Set<Diagnostic> = []
      throw InputError((warnings + diagnostics).filter { seen.insert($0).inserted })
    }
    var configurations = configurations
    if !configurations.isEmpty {
      configurations[0].warnings = warnings + diagnostics + configurations[0].warnings
    }
    return ConfigurationSet(configurations: configurations, demands: demands)
  }

  // MARK: Files

  private func read(_ visit: Visit, text: String? = nil) {
    let documents: [Document]
    if let known = self.documents[visit.file] {
      documents = known
    } else {
      guard self.documents.count < limits.files else {
        return exceeded("more than \(limits.files) files are required", visit)
      }
      if !files.contains(visit.file) { files.append(visit.file) }
      documents = parse(visit, text)
      self.documents[visit.file] = documents
    }
    for name in visit.selection where !documents.contains(where: { Self.name($0.root) == name }) {
      guard !documents.isEmpty, let node = visit.requirement?.node else { continue }
      diagnostics.append(
        (node["configs"] ?? node).warning(
          "no configuration is called '\(name)' in \(visit.file)", remedy: "correct metadata.name there, or this name"))
    }
    for (index, document) in documents.enumerated() { read(document, index, visit) }
  }

  private func parse(_ visit: Visit, _ text: String?) -> [Document] {
    let path = visit.file
    var textLimits = YAMLText.Limits()
    textLimits.text = 1 << 20
    let roots: [YAMLNode]
    do throws(InputError) {
      let text = if let text { text } else { try ManifestReader.text(of: path) }
      size += text.utf8.count
      guard size <= limits.text else {
        exceeded("the files that are required have more than \(limits.text >> 20) MiB", visit)
        return []
      }
      roots = try YAMLNode.documents(in: text, file: path, limits: textLimits, warnings: &warnings)
    } catch {
      diagnostics += error.diagnostics
      return []
    }
    if roots.isEmpty {
      diagnostics.append(
        Diagnostic(
          .error, "\(path) is empty", at: visit.requirement?.node.position,
          remedy: "write a configuration, or give another file with -f"))
    }
    var names: Set<String> = []
    var documents: [Document] = []
    for root in roots {
      for profile in (try? root["profiles"]?.elements()) ?? [] {
        if let name = try? profile["name"]?.string() { profileNames.insert(name) }
      }
      guard let version = SchemaVersion.read(root, &diagnostics) else { continue }
      documents.append(Document(root: root, version: version))
      guard let name = Self.name(root) else { continue }
      let place = root["metadata"]?["name"] ?? root
      if !names.insert(name).inserted {
        diagnostics.append(
          place.error("another configuration in this file is called '\(name)'", remedy: "give each its own name"))
      } else if let other = owners.updateValue(path, forKey: name) {
        diagnostics.append(
          place.error("a configuration in \(other) is called '\(name)' too", remedy: "give each its own name"))
      }
    }
    return documents
  }

  private static func name(_ root: YAMLNode) -> String? {
    (try? root["metadata"]?["name"]?.string()).flatMap { $0.isEmpty ? nil : $0 }
  }

  // MARK: Configurations

  private func read(_ document: Document, _ index: Int, _ visit: Visit) {
    let name = Self.name(document.root)
    if !visit.selection.isEmpty, !visit.selection.contains(name ?? "") { return }
    let isRequired = visit.isRequired || options.modules.isEmpty || options.modules.contains(name ?? "")
    let stop = Stop(file: visit.file, index: index, isRequired: isRequired)
    guard !isInCircle(stop, visit), isWithinLimits(document.root) else { return }
    guard open.count < limits.depth else {
      return exceeded("more than \(limits.depth) configurations require one another in a row", visit)
    }
    // It was read the same way before.
    guard arrivals.insert(Arrival(stop: stop, profiles: visit.profiles)).inserted else { return }
    let directory = visit.isDependency ? Paths.directory(of: visit.file) : options.workingDirectory
    let commands = TemplateCommands(
      trust: options.trust, root: visit.repository, environment: options.programs ?? options.environment,
      directory: directory)
    let reader = FieldReader(
      version: document.version, environment: options.environment, checksSources: options.checksSources,
      deploys: !["render", "build", "delete"].contains(options.command),
      countsFromFile: visit.isDependency, commands: commands)
    defer {
      diagnostics += reader.diagnostics.filter { $0.severity == .error }
      demands += commands.demands.filter { !demands.contains($0) }
    }
    let activation = options.activatesProfiles ? Activation(options, reader) : nil
    let (merged, active) = Skaffold.Profiles(requested: visit.profiles, activation: activation, reader: reader).apply(
      to: Modernizer.modernized(document.root, document.version))
    guard isFirst(stop, active, visit) else { return }
    open.append(stop)
    let requirements = reader.elements(merged["requires"]).compactMap { ConfigurationRequirement($0, reader) }
    for requirement in requirements { follow(requirement, from: visit, isRequired: isRequired, active) }
    open.removeLast()
    guard isRequired else { return }
    var configuration = ConfigurationReader(
      reader: reader, workingDirectory: directory,
      defaultRepository: options.defaultRepository, repository: visit.repository
    ).read(merged)
    configuration.profiles = active
    configuration.files = [visit.file]
    configuration.environment = options.environment
    configuration.programs = options.programs
    configuration.commands = commands
    configuration.warnings = reader.diagnostics.filter { $0.severity == .warning }
    configurations.append(configuration)
  }

  private func isInCircle(_ stop: Stop, _ visit: Visit) -> Bool {
    guard let start = open.firstIndex(where: { $0.file == stop.file && $0.index == stop.index }),
      let node = visit.requirement?.node
    else { return false }
    let names = (open[start...] + [stop]).map { stop in
      let document = documents[stop.file]?[stop.index]
      return document.flatMap { Self.name($0.root) } ?? stop.file
    }
    diagnostics.append(
      node.error(
        "configurations require each other: \(names.joined(separator: " → "))", remedy: "remove one requirement"))
    return true
  }

  /// Reports a limit once.
  private func exceeded(_ message: String, _ visit: Visit) {
    guard !diagnostics.contains(where: { $0.message == message }) else { return }
    diagnostics.append(
      Diagnostic(
        .error, message, at: visit.requirement?.node.position ?? SourcePosition(file: visit.file, line: 1),
        field: "requires", remedy: "require fewer, and each once"))
  }

  private func isWithinLimits(_ root: YAMLNode) -> Bool {
    stops += 1
    if stops == Self.mostStops {
      diagnostics.append(
        root.error("more than \(Self.mostStops) configurations are required", remedy: "require each file once"))
    }
    return stops < Self.mostStops
  }

  /// - Returns: false if the configuration was read before; with other profiles, that is an error.
  private func isFirst(_ stop: Stop, _ active: [String], _ visit: Visit) -> Bool {
    let profiles = active.sorted()
    guard let former = applied.updateValue(profiles, forKey: stop) else { return true }
    if former != profiles, let node = visit.requirement?.node {
      func text(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
      diagnostics.append(
        node.error(
          "\(visit.file) is required with different profiles: \(text(former)), and here \(text(profiles))",
          remedy: "activate the same profiles in each requirement"))
    }
    return false
  }

  // MARK: Requirements

  private func follow(
    _ requirement: ConfigurationRequirement, from visit: Visit, isRequired: Bool, _ active: [String]
  ) {
    guard var target = target(requirement, from: visit) else { return }
    if Paths.isDirectory(target.file) == true { target.file += "/skaffold.yaml" }
    let node = requirement.node["path"] ?? requirement.node["git"]?["path"] ?? requirement.node
    if !files.contains(target.file) { files.append(target.file) }
    guard Paths.isFile(target.file) else {
      diagnostics.append(
        node.error("\(target.file) does not exist", remedy: "correct the path, which begins at this file's directory"))
      return
    }
    // A configuration elsewhere may name its own repository's files, and no others.
    let real = Paths.real(target.file)
    if !Paths.isOf(target.repository, real) { target.repository = Repository.root(of: Paths.directory(of: real)) }
    var profiles = requirement.profiles(active)
    if options.propagatesProfiles { profiles += options.profiles.filter { !profiles.contains($0) } }
    read(
      Visit(
        file: target.file, selection: requirement.names, profiles: profiles, isRequired: isRequired,
        isDependency: visit.isDependency || target.file != visit.file, repository: target.repository,
        requirement: requirement))
  }

  private func target(_ requirement: ConfigurationRequirement, from visit: Visit) -> (file: String, repository: String)?
  {
    if let git = requirement.git {
      guard isAllowed(.network(git.repository, visit.repository, git.position)) else { return nil }
      guard let checkout = checkouts[git.place] else {
        wanted.append(git)
        return nil
      }
      return (Paths.absolute(git.path, in: checkout), Paths.real(checkout))
    }
    guard let path = requirement.path else { return (visit.file, visit.repository) }
    guard !Paths.isURL(path) else {
      diagnostics.append(
        (requirement.node["path"] ?? requirement.node).error(
          "devtunnel reads no configurations from URLs", remedy: "use git, or download the file"))
      return nil
    }
    return (Paths.absolute(path, in: Paths.directory(of: visit.file)), visit.repository)
  }

  private func isAllowed(_ demand: Demand) -> Bool {
    guard options.trust.allows(demand) else {
      diagnostics.append(demand.refusal)
      return false
    }
    if !demands.contains(demand) { demands.append(demand) }
    return true
  }

  // MARK: All together

  /// Checks what no configuration shows alone.
  private func check(_ path: String) {
    // Repositories that are not here yet may have the names.
    if wanted.isEmpty {
      let place = files.count > 1 ? "\(path) and the files that it requires" : path
      for name in options.profiles where !profileNames.contains(name.hasPrefix("-") ? String(name.dropFirst()) : name) {
        diagnostics.append(
          Diagnostic(.error, "no profile is called '\(name)' in \(place)", remedy: "correct the name after -p"))
      }
      for name in options.modules where owners[name] == nil && !documents.isEmpty {
        let names = owners.keys.sorted().joined(separator: ", ")
        diagnostics.append(
          Diagnostic(
            .error, "no configuration is called '\(name)' in \(place)",
            remedy: names.isEmpty
              ? "give the configuration a metadata.name" : "correct the name after -m: there are \(names)"))
      }
      diagnostics += ArtifactNames.problems(configurations.flatMap(\.artifacts))
    }
    // As Skaffold does, for a single configuration alone.
    if configurations.count == 1, configurations[0].manifests.isUnspecified {
      configurations[0].manifests.rawYAML = [
        Paths.absolute(ManifestsReader.defaultManifests, in: options.workingDirectory)
      ]
    }
  }
}
