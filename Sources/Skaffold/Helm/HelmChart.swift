import Inputs
import Manifests

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A chart's directory on this machine (Helm documentation, "Charts").
struct HelmChart {
  /// A chart that it needs (`dependencies` in Chart.yaml).
  struct Dependency {
    var name: String
    var repository: String
    var position: SourcePosition

    /// The path behind `file://`, as written.
    var path: String? { repository.hasPrefix("file://") ? String(repository.dropFirst(7)) : nil }
  }

  let directory: String
  let name: String
  /// Chart.yaml.
  let root: YAMLNode
  let dependencies: [Dependency]

  /// - Throws: `InputError` with the fault in Chart.yaml, or in the requirements.yaml of old charts.
  init(_ directory: String, at position: SourcePosition?) throws(InputError) {
    self.directory = directory
    let file = directory + "/Chart.yaml"
    guard Paths.isFile(file) else {
      throw InputError("\(directory) holds no Chart.yaml", at: position, remedy: "correct chartPath, or make the chart")
    }
    guard let root = try Self.read(file) else {
      throw InputError("\(file) is empty", at: position, remedy: "write the chart's name and version")
    }
    self.root = root
    name = (try? root["name"]?.string()) ?? Paths.name(of: directory)
    var list = root["dependencies"]
    if list == nil, Paths.isFile(directory + "/requirements.yaml") {
      list = try Self.read(directory + "/requirements.yaml")?["dependencies"]
    }
    guard case .sequence(let elements)? = list?.content else {
      dependencies = []
      return
    }
    var found: [Dependency] = []
    for node in elements {
      guard let name = try? node["name"]?.string() else { continue }
      // A link of this name is made in a copy of the chart.
      guard Paths.isComponent(name) else {
        throw InputError(
          "a chart cannot be called '\(name)'", at: (node["name"] ?? node).position, field: "dependencies",
          remedy: "write the name that its own Chart.yaml has")
      }
      found.append(
        Dependency(name: name, repository: (try? node["repository"]?.string()) ?? "", position: node.position))
    }
    dependencies = found
  }

  private static func read(_ file: String) throws(InputError) -> YAMLNode? {
    var limits = YAMLText.Limits()
    limits.text = 1 << 20
    var warnings: [Diagnostic] = []
    return try YAMLNode.documents(
      in: try ManifestReader.text(of: file), file: file, limits: limits, warnings: &warnings
    ).first
  }

  // MARK: Dependencies

  /// The dependencies that are neither in charts/ nor in directories of this machine.
  var missing: [Dependency] {
    let present = Paths.entries(directory + "/charts")
    return dependencies.filter { dependency in
      dependency.path == nil && !dependency.repository.isEmpty
        && !present.contains { Self.holds($0, dependency.name, in: directory) }
    }
  }

  /// Checks whether an entry of charts/ is a dependency: a directory or an archive.
  private static func holds(_ entry: String, _ name: String, in directory: String) -> Bool {
    if entry == name { return Paths.isDirectory("\(directory)/charts/\(entry)") == true }
    guard entry.hasPrefix(name + "-"), entry.hasSuffix(".tgz") else { return false }
    return entry.dropFirst(name.count + 1).first?.isNumber ?? false
  }

  /// The directories of the dependencies that are on this machine.
  var local: [(dependency: Dependency, directory: String)] {
    dependencies.compactMap { dependency in
      dependency.path.map { (dependency, Paths.absolute($0, in: directory)) }
    }
  }

  // MARK: Files

  /// A chart's files and directories, sorted.
  struct Tree {
    var files: [String]
    var directories: [String]
    /// False if there are more than are looked at.
    var isComplete: Bool
  }

  /// Returns the chart's files and directories, links followed once. The charts of directories that it depends on count
  /// too, at every depth.
  static func tree(
    _ directory: String, mostDirectories: Int = Self.mostDirectories, mostFiles: Int = Self.mostFiles
  ) -> Tree {
    var files: Set<String> = []
    var directories: Set<String> = []
    var open = [directory]
    var isComplete = true
    while let next = open.popLast() {
      guard directories.insert(Paths.real(next)).inserted else { continue }
      for name in Paths.entries(next) {
        let path = next + "/" + name
        if Paths.isDirectory(path) == true { open.append(path) } else { files.insert(path) }
      }
      guard directories.count <= mostDirectories, files.count <= mostFiles, open.count <= mostFiles else {
        isComplete = false
        break
      }
      guard Paths.isFile(next + "/Chart.yaml"), let chart = try? HelmChart(next, at: nil) else { continue }
      open += chart.local.map(\.directory)
    }
    return Tree(files: files.sorted(), directories: directories.sorted(), isComplete: isComplete)
  }

  static let mostDirectories = 10_000
  static let mostFiles = 100_000

  // MARK: Stage

  /// Makes a chart in a directory of its own, in which dependencies on this machine are in charts/, as `helm dependency
  /// build` would put them there; all else are links. Nothing is written to the chart itself.
  /// - Parameter packaged: versions in place of the chart's own.
  func stage(in parent: String, packaged: HelmRelease.Packaged?) throws -> String {
    let files = FileManager.default
    let stage = parent + "/" + Paths.name(of: directory)
    try files.createDirectory(
      atPath: stage + "/charts", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    for entry in Paths.entries(directory) where entry != "charts" && (entry != "Chart.yaml" || packaged == nil) {
      try files.createSymbolicLink(atPath: "\(stage)/\(entry)", withDestinationPath: "\(directory)/\(entry)")
    }
    if let packaged {
      var node = root
      for (key, value) in [("version", packaged.version), ("appVersion", packaged.appVersion)] {
        guard let value else { continue }
        node.set(key, YAMLNode(.scalar(value, isPlain: false), position: root.position, path: key))
      }
      try Data(YAMLWriter.yaml([node]).utf8).write(to: URL(filePath: stage + "/Chart.yaml"))
    }
    let local = local
    for entry in Paths.entries(directory + "/charts")
    where !local.contains(where: { Self.holds(entry, $0.dependency.name, in: directory) }) {
      try files.createSymbolicLink(
        atPath: "\(stage)/charts/\(entry)", withDestinationPath: "\(directory)/charts/\(entry)")
    }
    var linked: [String: String] = [:]
    for (dependency, directory) in local {
      if let other = linked.updateValue(directory, forKey: dependency.name) {
        // Aliases share a chart.
        if Paths.isSame(other, directory) { continue }
        throw InputError(
          "two charts are called \(dependency.name): \(other) and \(directory)", at: dependency.position,
          field: "dependencies", remedy: "give each its own name")
      }
      do {
        try files.createSymbolicLink(atPath: "\(stage)/charts/\(dependency.name)", withDestinationPath: directory)
      } catch {
        throw InputError(
          "the dependency \(dependency.name) cannot be put into charts/: \(error)", at: dependency.position,
          field: "dependencies", remedy: "remove what is called so in \(self.directory)/charts")
      }
    }
    return stage
  }
}
