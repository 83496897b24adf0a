import ArgumentParser
import ControlAPI
import DevLoop
import FoundationEssentials
import Skaffold

/// The project to build and deploy.
struct ProjectArguments: ParsableArguments {
  @Option(
    name: [.short, .customLong("filename")],
    help: ArgumentHelp("The skaffold.yaml (default: skaffold.yaml or skaffold.yml here).", valueName: "file"),
    completion: .file())
  var file: [String] = []

  @Option(
    name: [.short, .long], parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Apply these profiles, in required files too; may be repeated; -NAME leaves out one that applies itself.",
      valueName: "name,…"))
  var profile: [String] = []

  @Flag(inversion: .prefixedNo, help: "Apply the profiles in required files too (default: yes).")
  var propagateProfiles: Bool?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Only these configurations (metadata.name), and those that they require; may be repeated.", valueName: "name,…"))
  var module: [String] = []

  @Option(
    help: ArgumentHelp(
      "When to update the repositories that the skaffold.yaml requires: always, missing (only fetch those that are not "
        + "here) or never (default: always).", valueName: "when"))
  var syncRemoteCache: RemoteRepositories.Sync?

  @Option(help: ArgumentHelp("The repository that images go to.", valueName: "repository"))
  var defaultRepo: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Without a skaffold.yaml: files, directories or globs of manifests.", valueName: "path"),
    completion: .file())
  var manifests: [String] = []

  @Option(
    help: ArgumentHelp(
      "Without a skaffold.yaml: an image and its build context; may be repeated.",
      valueName: "name=context[:dockerfile]"))
  var artifact: [String] = []

  @Option(
    help: ArgumentHelp(
      "The name that marks the objects in the cluster, to delete them from another machine "
        + "(default: a name of this machine and directory).",
      valueName: "name"))
  var run: String?

  @Flag(
    name: .customLong("trust"),
    help: ArgumentHelp(
      "Let the project run helm and plugins, read files outside of its repository, and fetch others; "
        + "remembered, except by render."))
  var trusts = false

  func validate() throws {
    if file.count > 1 {
      throw ValidationError(
        "-f \(file.joined(separator: " -f ")): give one skaffold.yaml, and name the others under requires: in it")
    }
  }

  /// - Parameter stateDirectory: of the dev loop; it remembers what was trusted.
  func project(environment: [String: String], stateDirectory: String, _ variables: SkaffoldVariables)
    throws(ControlError) -> Project
  {
    var project = Project(workingDirectory: FileManager.default.currentDirectoryPath, environment: environment)
    // Options without a skaffold.yaml leave it out.
    let isPlain = !manifests.isEmpty || !artifact.isEmpty
    project.file = file.first ?? (isPlain ? nil : variables.file)
    project.profiles = profile.isEmpty ? variables.profiles : Self.names(profile)
    project.propagatesProfiles = try variables.isOn(.propagatesProfiles, propagateProfiles, default: true)
    project.activatesProfiles = try variables.isOn(.activatesProfiles, default: true)
    project.modules = module.isEmpty ? variables.modules : Self.names(module)
    project.sync = try variables.sync(syncRemoteCache)
    project.trusts = trusts
    project.trustMemory = stateDirectory + "/trusted.json"
    project.defaultRepository = defaultRepo ?? variables.defaultRepository
    project.manifests = manifests
    project.artifacts = artifact
    project.run = run
    return project
  }

  private static func names(_ lists: [String]) -> [String] {
    lists.flatMap { $0.split(separator: ",") }.map(String.init)
  }
}

extension RemoteRepositories.Sync: ExpressibleByArgument {}

/// The cluster to deploy to.
struct LocalClusterArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("The builder: docker, podman or buildah (default: the first that works).", valueName: "program"),
    transform: BuilderArgument.parse)
  var builder: BuilderArgument?

  @Option(
    help: ArgumentHelp(
      """
      How images reach the cluster: lab:DIR, k3s, containerd, kind[:NAME], minikube[:PROFILE], k3d[:NAME], \
      docker, podman or registry[:PUSH[=PULL]][,insecure] (default: what the nodes say).
      """,
      valueName: "way"))
  var load: String?

  @Option(
    help: ArgumentHelp(
      "Allow this context although its cluster is not on this machine; remembered for this repository.",
      valueName: "name"))
  var allowContext: [String] = []
}

/// The changes to the manifests.
struct PatchArguments: ParsableArguments {
  @Flag(name: .customLong("no-dns-policy"), help: "Leave the Pods' dnsPolicy as it is, instead of Default.")
  var keepsDNSPolicy = false

  @Flag(
    name: .customLong("no-pull-policy"),
    help: "Leave the pull policy of built images as it is, instead of IfNotPresent.")
  var keepsPullPolicy = false

  func options(_ project: Project) -> LoopOptions {
    var options = LoopOptions(environment: project.environment)
    options.trust = project.trust
    options.trustMemory = project.trustMemory
    options.dnsPolicy = !keepsDNSPolicy
    options.pullPolicy = !keepsPullPolicy
    return options
  }
}

/// `NAME=REFERENCE`, and files of them.
struct ImageArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("The reference for an image of the manifests; may be repeated.", valueName: "name=reference"))
  var images: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file of references, as devtunnel build --file-output and skaffold build write it.", valueName: "file"),
    completion: .file())
  var buildArtifacts: String?

  func validate() throws {
    for image in images where !image.contains("=") || image.hasPrefix("=") || image.hasSuffix("=") {
      throw ValidationError("--images \(image): write NAME=REFERENCE")
    }
  }

  /// Returns the references by image name.
  func references(_ variables: SkaffoldVariables = SkaffoldVariables([:])) throws -> [String: String] {
    var references: [String: String] = [:]
    if let buildArtifacts = buildArtifacts ?? variables.buildArtifacts {
      let remedy = "devtunnel build --file-output writes such a file"
      guard let data = FileManager.default.contents(atPath: buildArtifacts) else {
        throw LoopError(.configuration, "\(buildArtifacts) does not exist, or may not be read", remedy: remedy)
      }
      guard let file = try? JSONDecoder().decode(BuildsFile.self, from: data) else {
        throw LoopError(.configuration, "\(buildArtifacts) does not hold references of images", remedy: remedy)
      }
      for build in file.builds { references[build.imageName] = build.tag }
    }
    for image in images.isEmpty ? variables.images.filter({ $0.contains("=") }) : images {
      let parts = image.split(separator: "=", maxSplits: 1).map(String.init)
      references[parts[0]] = parts[1]
    }
    return references
  }
}

/// The file that `build` writes, as Skaffold does (`skaffold build --file-output`).
struct BuildsFile: Codable {
  var builds: [BuildResult]
}
