import Manifests

/// Reads `build.artifacts[]`.
struct ArtifactReader {
  let reader: FieldReader
  let workingDirectory: String
  let defaultRepository: String?

  private static let fields: [String: FieldReader.Field] = {
    let builder = "devtunnel has no such builder: use docker or custom, which runs any command"
    var fields: [String: FieldReader.Field] = [
      "image": .read, "context": .read, "docker": .read, "custom": .read, "sync": .read, "requires": .read,
      "runtimeType": .ignored("it is for debuggers"),
      "platforms": .ignored("images are built for this machine's platform"),
      "hooks": .read,
    ]
    for name in Self.others { fields[name] = .unbuildable(builder) }
    return fields
  }()

  /// Builders of Skaffold that devtunnel does not have.
  private static let others = [
    "bazel", "jib", "jibMaven", "jibGradle", "kaniko", "buildpacks", "buildpack", "ko", "plugin",
  ]

  func read(_ node: YAMLNode) -> Artifact? {
    reader.check(node, Self.fields)
    guard let image = reader.required(node, "image") else { return nil }
    let name = ImageName(image)
    let context = Paths.absolute(reader.string(node["context"]) ?? ".", in: workingDirectory)
    if reader.checksSources, Paths.isDirectory(context) != true {
      let what = Paths.isDirectory(context) == nil ? "does not exist" : "is no directory"
      reader.report(
        (node["context"] ?? node).error(
          "the build context \(context) \(what)",
          remedy: reader.hint(reader.string(node["context"]) ?? ".", workingDirectory)))
    }
    guard let build = build(node, context: context, image: name.name) else { return nil }
    var artifact = Artifact(
      image: name.name, repository: DefaultRepository.rewritten(name.name, defaultRepository), context: context,
      build: build, sync: sync(node["sync"]),
      requires: reader.elements(node["requires"]).compactMap(requirement), position: node.position)
    artifact.inferredSync = inferred(node["sync"], build)
    let hooks = HookReader(reader: reader, workingDirectory: workingDirectory)
    artifact.hooks = hooks.hosts(node["hooks"])
    if case .mapping? = node["sync"]?.content {
      artifact.syncHooks = hooks.steps(node["sync"]?["hooks"], isNamed: false)
    }
    return artifact
  }

  private func requirement(_ node: YAMLNode) -> Artifact.Requirement? {
    reader.check(node, ["image": .read, "alias": .read])
    guard let image = reader.required(node, "image") else { return nil }
    return Artifact.Requirement(image: image, alias: reader.string(node["alias"]) ?? image)
  }

  private func build(_ node: YAMLNode, context: String, image: String) -> ArtifactBuild? {
    if let other = Self.others.first(where: { node.member($0) != nil }) { return .other(other) }
    guard let custom = node["custom"] else {
      return .docker(docker(node["docker"], context: context, image: image, artifact: node))
    }
    if node["docker"] != nil {
      reader.report(custom.error("an artifact is either docker or custom", remedy: "keep one of them"))
    }
    return self.custom(custom, context: context).map(ArtifactBuild.custom)
  }

  // MARK: docker

  private func docker(_ docker: YAMLNode?, context: String, image: String, artifact: YAMLNode) -> DockerBuild {
    let fields = [
      "dockerfile", "target", "buildArgs", "network", "addHost", "cacheFrom", "cliFlags", "pullParent", "noCache",
      "squash", "secrets", "ssh",
    ]
    reader.check(docker, Dictionary(uniqueKeysWithValues: fields.map { ($0, .read) }))
    var build = DockerBuild(
      dockerfile: dockerfile(docker?["dockerfile"], context: context, at: docker?["dockerfile"] ?? docker ?? artifact))
    build.buildArgs = buildArguments(docker?["buildArgs"], image: image)
    build.target = reader.string(docker?["target"])
    build.network = reader.string(docker?["network"])
    build.addHost = reader.strings(docker?["addHost"])
    build.cacheFrom = reader.strings(docker?["cacheFrom"])
    build.cliFlags = reader.strings(docker?["cliFlags"])
    build.pullParent = reader.bool(docker?["pullParent"]) ?? false
    build.noCache = reader.bool(docker?["noCache"]) ?? false
    build.squash = reader.bool(docker?["squash"]) ?? false
    build.ssh = reader.string(docker?["ssh"])
    build.secrets = reader.elements(docker?["secrets"]).compactMap(secret)
    return build
  }

  /// Resolves a Dockerfile's path against the context; if no file exists there, against the working directory.
  private func dockerfile(_ node: YAMLNode?, context: String, at place: YAMLNode) -> String {
    let path = reader.string(node) ?? "Dockerfile"
    let inContext = Paths.absolute(path, in: context)
    if Paths.isFile(inContext) { return inContext }
    let here = Paths.absolute(path, in: workingDirectory)
    if Paths.isFile(here) { return here }
    // A missing context has been reported already.
    if reader.checksSources, Paths.isDirectory(context) == true {
      reader.report(
        place.error(
          "the Dockerfile \(inContext) does not exist",
          remedy: "name it under docker.dockerfile, relative to the context \(context)"))
    }
    return inContext
  }

  private func buildArguments(_ node: YAMLNode?, image: String) -> [BuildArgument] {
    guard reader.checksSources else { return [] }
    let parts = DefaultRepository.rewritten(image, defaultRepository).split(separator: "/").map(String.init)
    let variables = [
      "IMAGE_REPO": parts.dropLast().joined(separator: "/"), "IMAGE_NAME": parts.last ?? "",
      "IMAGE_TAG": BuildArgument.tagPlaceholder,
    ]
    return reader.members(node).compactMap { member in
      if member.value.isNull { return BuildArgument(name: member.key, value: nil) }
      return reader.expanded(member.value, extra: variables).map {
        BuildArgument(name: member.key, value: $0)
      }
    }.sorted { $0.name < $1.name }
  }

  private func secret(_ node: YAMLNode) -> BuildSecret? {
    reader.check(node, ["id": .read, "src": .read, "env": .read])
    guard let id = reader.required(node, "id") else { return nil }
    let source = reader.string(node["src"]).map { path in
      path.hasPrefix("~/")
        ? (reader.environment["HOME"] ?? "~") + path.dropFirst() : Paths.absolute(path, in: workingDirectory)
    }
    if reader.checksSources, let source, !Paths.isFile(source) {
      reader.report(
        (node["src"] ?? node).error("the secret's file \(source) does not exist", remedy: "make it, or correct src"))
    }
    return BuildSecret(id: id, source: source, environment: reader.string(node["env"]))
  }

  // MARK: custom

  private func custom(_ custom: YAMLNode, context: String) -> CustomBuild? {
    reader.check(custom, ["buildCommand": .read, "dependencies": .read])
    guard let command = reader.required(custom, "buildCommand") else { return nil }
    guard let node = custom["dependencies"] else { return CustomBuild(command: command) }
    reader.check(node, ["paths": .read, "ignore": .read, "dockerfile": .read, "command": .read])
    var dependencies = CustomBuild.Dependencies(
      paths: reader.strings(node["paths"]), ignore: reader.strings(node["ignore"]))
    dependencies.command = reader.string(node["command"])
    if let file = node["dockerfile"] {
      reader.check(file, ["path": .read, "buildArgs": .read])
      dependencies.dockerfile = dockerfile(file["path"], context: context, at: file)
      dependencies.buildArgs = buildArguments(file["buildArgs"], image: "")
    }
    return CustomBuild(command: command, dependencies: dependencies)
  }

  // MARK: sync

  private func sync(_ node: YAMLNode?) -> [SyncRule] {
    guard let node else { return [] }
    // Up to v1beta8: a mapping of globs to destinations.
    if case .mapping(let members) = node.content, !members.contains(where: { Self.syncFields.keys.contains($0.key) }) {
      if members.isEmpty, reader.checksSources {
        reader.report(
          node.error("sync without rules would infer them, which devtunnel does not", remedy: "write sync.manual"))
      }
      return members.compactMap(oldRule)
    }
    reader.check(node, Self.syncFields)
    return reader.elements(node["manual"]).compactMap { rule in
      reader.check(rule, ["src": .read, "dest": .read, "strip": .read])
      guard let source = reader.required(rule, "src"), let destination = reader.required(rule, "dest") else {
        return nil
      }
      return SyncRule(source: source, destination: destination, strip: reader.string(rule["strip"]))
    }
  }

  private static let syncFields: [String: FieldReader.Field] = [
    "manual": .read, "infer": .read,
    "auto": .unbuildable("write sync.manual with src, dest and strip"),
    "hooks": .read,
  ]

  /// Reads the globs of files whose place the Dockerfile shows.
  private func inferred(_ node: YAMLNode?, _ build: ArtifactBuild) -> [String] {
    guard let infer = node?["infer"], reader.checksSources else { return [] }
    let globs = reader.strings(infer)
    if !globs.isEmpty, node?["manual"] != nil {
      reader.report(infer.error("sync is either manual or infer", remedy: "keep one of them"))
    }
    if case .custom(let custom) = build, custom.dependencies.dockerfile == nil {
      reader.report(
        infer.error(
          "the places of files are in a Dockerfile, and this artifact has none",
          remedy: "name one under custom.dependencies.dockerfile, or write sync.manual"))
    }
    return globs
  }

  /// Reads an old rule: `***` kept the directories below the glob's own part, all else kept none.
  private func oldRule(_ member: YAMLNode.Member) -> SyncRule? {
    guard let destination = reader.string(member.value) else { return nil }
    let directory = Paths.directory(of: member.key)
    if let stars = member.key.firstRange(of: "***") {
      return SyncRule(
        source: member.key.replacing("***", with: "**"), destination: destination,
        strip: String(member.key[..<stars.lowerBound]))
    }
    return SyncRule(
      source: member.key, destination: destination,
      strip: directory == "." || Glob.isPattern(directory) ? nil : directory + "/")
  }
}
