import ArgumentParser
import DevLoop
import FoundationEssentials

/// The project to build and deploy.
struct ProjectArguments: ParsableArguments {
  @Option(
    name: [.short, .customLong("filename")],
    help: ArgumentHelp("The skaffold.yaml (default: skaffold.yaml or skaffold.yml here).", valueName: "file"),
    completion: .file())
  var file: String?

  @Option(
    name: [.short, .long], parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Apply this profile; may be repeated; -NAME leaves out one that applies itself.", valueName: "name"))
  var profile: [String] = []

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

  func project(environment: [String: String]) -> Project {
    var project = Project(workingDirectory: FileManager.default.currentDirectoryPath, environment: environment)
    project.file = file
    project.profiles = profile
    project.defaultRepository = defaultRepo
    project.manifests = manifests
    project.artifacts = artifact
    project.run = run
    return project
  }
}

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

  @Flag(
    name: .customLong("trust"),
    help: ArgumentHelp(
      "Let manifests run helm and plugins, read files outside of their repository, and fetch others; "
        + "remembered, except by render."))
  var trusts = false

  /// - Parameter stateDirectory: of the dev loop; it remembers what was trusted.
  func options(environment: [String: String], stateDirectory: String) -> LoopOptions {
    var options = LoopOptions(environment: environment)
    options.trusts = trusts
    options.trustMemory = stateDirectory + "/trusted.json"
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
  func references() throws -> [String: String] {
    var references: [String: String] = [:]
    if let buildArtifacts {
      let remedy = "devtunnel build --file-output writes such a file"
      guard let data = FileManager.default.contents(atPath: buildArtifacts) else {
        throw LoopError(.configuration, "\(buildArtifacts) does not exist, or may not be read", remedy: remedy)
      }
      guard let file = try? JSONDecoder().decode(BuildsFile.self, from: data) else {
        throw LoopError(.configuration, "\(buildArtifacts) does not hold references of images", remedy: remedy)
      }
      for build in file.builds { references[build.imageName] = build.tag }
    }
    for image in images {
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
