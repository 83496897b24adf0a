import FoundationEssentials
import Manifests
import Skaffold

/// A command line's sources: a skaffold.yaml, or manifests and artifacts.
public struct Project: Sendable {
  /// As given; nil looks for skaffold.yaml and skaffold.yml.
  public var file: String?
  public var profiles: [String] = []
  /// False if `profiles` count for the first file alone.
  public var propagatesProfiles = true
  /// False if no profile activates itself.
  public var activatesProfiles = true
  /// `-m`: the names of the wanted configurations; empty: all.
  public var modules: [String] = []
  public var defaultRepository: String?
  /// `--manifests`: without a skaffold.yaml.
  public var manifests: [String] = []
  /// `--artifact NAME=CONTEXT[:DOCKERFILE]`.
  public var artifacts: [String] = []
  /// `--run`: the identity of the objects in the cluster; nil for a name that this installation made.
  public var run: String?
  /// `--trust`: the project may ask for more than its repository's files.
  public var trusts = false
  /// The file that remembers what was trusted; nil: none.
  public var trustMemory: String?
  /// `--sync-remote-cache`.
  public var sync = RemoteRepositories.Sync.always
  /// Absolute: the base of relative paths, those in a skaffold.yaml too.
  public var workingDirectory: String
  /// Of the process; the variables of a skaffold.env come on top as far as it does not have them.
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
  ///   - files: gets every file that was read, or is missing.
  func configurations(
    command: String, kubeContext: String?, repositories: RemoteRepositories, files: inout [String]
  ) async throws(LoopError) -> [DevConfiguration] {
    do throws(InputError) {
      guard isPlain else { return try await read(command, kubeContext, repositories, &files) }
      if file != nil {
        throw InputError("--filename and --manifests or --artifact exclude each other", remedy: "leave one of them out")
      }
      var plain: [DevConfiguration.PlainArtifact] = []
      for text in artifacts { plain.append(try DevConfiguration.PlainArtifact(parsing: text)) }
      var configuration = try DevConfiguration.plain(
        manifests: manifests, artifacts: plain, workingDirectory: workingDirectory)
      configuration.environment = environment
      return [configuration]
    } catch {
      throw LoopError(error)
    }
  }

  private func read(
    _ command: String, _ kubeContext: String?, _ repositories: RemoteRepositories, _ files: inout [String]
  ) async throws(InputError) -> [DevConfiguration] {
    let path: String
    do throws(LoopError) { path = try skaffoldFile() ?? "" } catch {
      throw InputError(error.message, remedy: error.remedy)
    }
    var options = ReadingOptions(workingDirectory: workingDirectory)
    options.profiles = profiles
    options.propagatesProfiles = propagatesProfiles
    options.activatesProfiles = activatesProfiles
    options.modules = modules
    let variables = try ProjectVariables(in: workingDirectory, process: environment)
    options.environment = variables.all
    options.programs = variables.programs
    options.command = command
    options.kubeContext = kubeContext
    options.defaultRepository = defaultRepository
    options.checksSources = ["dev", "build", "run"].contains(command)
    options.trust = trust
    let read = try await ConfigurationSet.load(path, options, repositories: repositories, files: &files)
    // `render` changes nothing.
    if trusts, command != "render", let trustMemory { TrustMemory(file: trustMemory).save(read.demands) }
    var configurations = read.configurations
    if !configurations.isEmpty { configurations[0].warnings += variables.warnings }
    return configurations
  }

  /// The demands of the project that are allowed.
  public var trust: Trust {
    Trust(isEverything: trusts, known: trustMemory.map { TrustMemory(file: $0).load() } ?? [:])
  }

  /// The settings that choose a cluster and the programs that give credentials for it: no repository has a say in them.
  private static let ownSettings = ["SKAFFOLD_KUBECONFIG", "SKAFFOLD_KUBE_CONTEXT"]

  /// Returns the process's variables, and those of a directory's skaffold.env that it does not have, but for settings
  /// that are the user's alone; a warning names the line of each of those.
  public static func variables(in directory: String, _ environment: [String: String]) throws(LoopError)
    -> (variables: [String: String], warnings: [String])
  {
    do throws(InputError) {
      let read = try ProjectVariables(in: directory, process: environment)
      let warnings = ownSettings.compactMap { name in
        read.position(of: name).map {
          Diagnostic(
            .warning, "ignored: a file of the repository does not choose the cluster by \(name)", at: $0,
            remedy: "set it in the environment, or give --kubeconfig or --context"
          ).text
        }
      }
      return (read.all.filter { !ownSettings.contains($0.key) || environment[$0.key] != nil }, warnings)
    } catch {
      throw LoopError(error)
    }
  }

  /// The files that are watched even if they do not exist, or cannot be read.
  func fixedFiles() throws(LoopError) -> [String] {
    guard let file = try skaffoldFile() else { return [] }
    return [file, workingDirectory + "/" + SkaffoldEnvironment.name]
  }

  /// The repository whose files the configuration may name, and that the user's consents are for: see `Repository`.
  public var repository: String {
    let file = (try? skaffoldFile()) ?? nil
    return Repository.root(
      of: file.map { "/" + $0.split(separator: "/").dropLast().joined(separator: "/") } ?? workingDirectory)
  }
}
