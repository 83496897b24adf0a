import FoundationEssentials
import Manifests
import Skaffold

/// A command line's sources: a skaffold.yaml, or manifests and artifacts.
public struct Project: Sendable, Hashable {
  /// As given; nil looks for skaffold.yaml and skaffold.yml.
  public var file: String?
  public var profiles: [String] = []
  public var defaultRepository: String?
  /// `--manifests`: without a skaffold.yaml.
  public var manifests: [String] = []
  /// `--artifact NAME=CONTEXT[:DOCKERFILE]`.
  public var artifacts: [String] = []
  /// `--run`: the identity of the objects in the cluster; nil for a name that this installation made.
  public var run: String?
  /// Absolute: the base of relative paths, those in a skaffold.yaml too.
  public var workingDirectory: String
  public var environment: [String: String]

  public init(workingDirectory: String, environment: [String: String]) {
    self.workingDirectory = workingDirectory
    self.environment = environment
  }

  private var isPlain: Bool { !manifests.isEmpty || !artifacts.isEmpty }

  /// Returns the skaffold.yaml, absolute; nil without one.
  /// - Throws: if there are no sources at all.
  public func skaffoldFile() throws(LoopError) -> String? {
    if let file { return file.hasPrefix("/") ? file : workingDirectory + "/" + file }
    if isPlain { return nil }
    for name in ["skaffold.yaml", "skaffold.yml"]
    where FileManager.default.fileExists(atPath: "\(workingDirectory)/\(name)") {
      return "\(workingDirectory)/\(name)"
    }
    throw LoopError(
      .configuration, "there is no skaffold.yaml in \(workingDirectory)",
      remedy: "name it with --filename, or give --manifests PATH and --artifact NAME=CONTEXT")
  }

  /// - Parameters:
  ///   - command: the value that `activation.command` of profiles sees: `dev`, `build`, `run`, `render`, `delete`.
  ///   - kubeContext: the value that `activation.kubeContext` sees.
  public func configurations(command: String, kubeContext: String?) throws(LoopError) -> [DevConfiguration] {
    do throws(InputError) {
      guard isPlain else { return try read(command, kubeContext) }
      if file != nil {
        throw InputError("--filename and --manifests or --artifact exclude each other", remedy: "leave one of them out")
      }
      var plain: [DevConfiguration.PlainArtifact] = []
      for text in artifacts { plain.append(try DevConfiguration.PlainArtifact(parsing: text)) }
      return [try DevConfiguration.plain(manifests: manifests, artifacts: plain, workingDirectory: workingDirectory)]
    } catch {
      throw LoopError(error)
    }
  }

  private func read(_ command: String, _ kubeContext: String?) throws(InputError) -> [DevConfiguration] {
    let path: String
    do throws(LoopError) { path = try skaffoldFile() ?? "" } catch {
      throw InputError(error.message, remedy: error.remedy)
    }
    return try DevConfiguration.load(
      file: path, workingDirectory: workingDirectory, profiles: profiles, environment: environment, command: command,
      kubeContext: kubeContext,
      defaultRepository: defaultRepository, checksSources: ["dev", "build", "run"].contains(command))
  }

  /// The repository whose files the configuration may name, and that the user's consents are for: see `Repository`.
  public var repository: String {
    let file = (try? skaffoldFile()) ?? nil
    return Repository.root(
      of: file.map { "/" + $0.split(separator: "/").dropLast().joined(separator: "/") } ?? workingDirectory)
  }
}
