import FoundationEssentials
import Inputs
import Manifests

@testable import Skaffold

/// A directory with files, removed with its last user.
final class Project: Sendable {
  let path: String

  init(_ files: [String: String]) throws {
    path =
      FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path.trimmingSlash
      + "/devtunnel-skaffold-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, text) in files { try write(name, text) }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws {
    let file = URL(filePath: path + "/" + name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  func load(
    profiles: [String] = [], environment: [String: String] = [:], command: String = "dev", kubeContext: String? = nil,
    defaultRepository: String? = nil,
    in directory: String = ""
  ) throws(InputError) -> [DevConfiguration] {
    var options = ReadingOptions(workingDirectory: directory.isEmpty ? path : path + "/" + directory)
    options.profiles = profiles
    options.environment = environment
    options.command = command
    options.kubeContext = kubeContext
    options.defaultRepository = defaultRepository
    let tree = ConfigurationTree(options, checkouts: [:])
    tree.read(path + "/skaffold.yaml")
    return try tree.result().configurations
  }

  /// The only configuration of a skaffold.yaml with this text, beside a Dockerfile.
  static func configuration(_ text: String, _ files: [String: String] = [:]) throws -> DevConfiguration {
    let project = try Project(["skaffold.yaml": text, "Dockerfile": "FROM scratch\n"].merging(files) { $1 })
    return try project.load()[0]
  }

  /// Returns the problems of such a file.
  static func problems(_ text: String, _ files: [String: String] = [:]) throws -> [Diagnostic] {
    let project = try Project(["skaffold.yaml": text, "Dockerfile": "FROM scratch\n"].merging(files) { $1 })
    do throws(InputError) {
      _ = try project.load()
      return []
    } catch {
      return error.diagnostics.filter { $0.severity == .error }
    }
  }
}

extension String {
  fileprivate var trimmingSlash: String { hasSuffix("/") ? String(dropLast()) : self }
}

/// The tests' own environment, and what it has to render kustomizations with.
enum Here {
  static let environment = ProcessInfo.processInfo.environment
  static let tool = KustomizeTool.installed(environment: environment)
  static let helm = InstalledProgram.find("helm", environment: environment)
}
