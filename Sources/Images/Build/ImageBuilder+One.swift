import FoundationEssentials
import Manifests
import Skaffold

extension ImageBuilder {
  /// Builds one image, unless it is still in its store and nothing has changed since it was last built.
  nonisolated func build(
    _ artifact: Artifact, tag: String, required: [BuiltImage], line: @escaping @Sendable (String) -> Void
  ) async throws(BuildError) -> BuiltImage {
    let start = ContinuousClock.now
    do throws(BuildError) {
      var inputs = ArtifactInputs(
        options: artifact.options(settings, store: store, environment: environment, required: required),
        digest: try digest(artifact))
      if let kept = try await cached(artifact, inputs, tag: tag) {
        return BuiltImage(
          name: artifact.image, repository: artifact.repository, tag: tag, id: kept.id, store: kept.store,
          pushed: kept.pushed, isFromCache: true,
          duration: .now - start)
      }
      try await run(artifact.hooks.before, artifact, tag, line)
      // Files that the hooks wrote into the context are no change that another build must follow.
      if !artifact.hooks.before.isEmpty { inputs.digest = try digest(artifact) }
      let aliases = zip(artifact.requires, required).map { (alias: $0.alias, reference: $1.tag) }
      let made =
        switch artifact.build {
        case .docker(let docker): MadeImage(id: try await run(docker, artifact, tag, aliases, line), store: store)
        case .custom(let custom): try await run(custom, artifact, tag, aliases, line)
        case .other(let builder):
          throw BuildError(
            .badInput, "devtunnel does not build with \(builder)",
            remedy: "use docker or custom, which runs any command")
        }
      try await run(artifact.hooks.after, artifact, tag, line)
      try await remember(artifact, inputs, tag: tag, made)
      return BuiltImage(
        name: artifact.image, repository: artifact.repository, tag: tag, id: made.id, store: made.store,
        pushed: made.pushed, isFromCache: false,
        duration: .now - start)
    } catch {
      var error = error
      error.artifact = artifact.image
      error.position = error.position ?? artifact.position
      throw error
    }
  }

  /// Runs an artifact's hooks with the variables that Skaffold gives them (pkg/skaffold/hooks/env.go).
  private nonisolated func run(
    _ hooks: [HostHook], _ artifact: Artifact, _ tag: String, _ line: @escaping @Sendable (String) -> Void
  ) async throws(BuildError) {
    let image = Manifests.ImageName(tag)
    let repository = image.name.lastIndex(of: "/").map { String(image.name[..<$0]) } ?? ""
    let variables = [
      "SKAFFOLD_IMAGE": tag, "SKAFFOLD_PUSH_IMAGE": settings.pushes ? "true" : "false",
      "SKAFFOLD_IMAGE_REPO": repository, "SKAFFOLD_IMAGE_TAG": image.tag ?? "",
      "SKAFFOLD_BUILD_CONTEXT": artifact.context,
    ]
    for hook in hooks { try await HookRunner(environment: environment).run(hook, variables: variables, line: line) }
  }

  private nonisolated func run(
    _ docker: DockerBuild, _ artifact: Artifact, _ tag: String, _ required: [(alias: String, reference: String)],
    _ line: @Sendable (String) -> Void
  ) async throws(BuildError) -> String {
    let scratch = try TemporaryDirectory(environment: environment)
    defer { scratch.remove() }
    let tool = try StoreTool(store, environment: environment)
    let marker = await nextMarker()
    if await !unremoved.isEmpty { await removeLeftovers([], tool) }
    let build = DockerfileBuild(
      build: docker, context: artifact.context, tag: tag, identifierFile: scratch.path + "/id", settings: settings,
      required: required, marker: marker, hasTriggers: DockerfileSteps(docker.dockerfile).hasTriggers)
    var child = tool.child(build.arguments(for: kind))
    child.environment["TMPDIR"] = scratch.path
    let status: Int32
    let tail: [String]
    do throws(BuildError) { (status, tail) = try await child.run(line: line) } catch {
      await removeLeftovers([marker], tool)
      throw error
    }
    guard status == 0 else {
      let error = BuildFailure(
        tool: kind.rawValue, status: status, output: tail,
        places: [scratch.path, await imagesDirectory(tool) ?? "/var/lib/docker"],
        dockerfile: docker.dockerfile
      ).error(.commandFailed, "the build failed")
      // On a full disk, or killed by another process, the builder does not clean up by itself.
      await removeLeftovers([marker], tool)
      throw error
    }
    let written =
      FileManager.default.contents(atPath: build.identifierFile).map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard let id = StoreTool.normalized(written) else {
      throw BuildError(.commandFailed, "\(kind.rawValue) did not report the id of its image", output: tail)
    }
    return id
  }

  private nonisolated func run(
    _ custom: CustomBuild, _ artifact: Artifact, _ tag: String, _ required: [(alias: String, reference: String)],
    _ line: @Sendable (String) -> Void
  ) async throws(BuildError) -> MadeImage {
    let command = CustomCommand(
      command: custom.command, context: artifact.context, tag: tag, settings: settings, required: required)
    let (status, tail) = try await command.child(environment: environment).run(line: line)
    guard status == 0 else {
      throw BuildFailure(
        tool: "`\(custom.command)`", status: status, output: tail,
        places: [environment["TMPDIR"] ?? "/var/tmp", artifact.context]
      )
      .error(.commandFailed, "the artifact's own command failed")
    }
    let pushed = settings.pushes ? await registry.image(tag) : nil
    if let pushed, let made = await known(pushed, artifact) { return made }
    for store in candidates {
      let tool = try StoreTool(store, environment: environment)
      var id = try await tool.id(of: tag)
      // It was pushed and not kept: the registry has it.
      if id == nil, settings.pushes, store.kind == kind, try await pull(tag, tool) { id = try await tool.id(of: tag) }
      if let id { return MadeImage(id: id, store: store, pushed: pushed?.id == id ? pushed?.reference : nil) }
    }
    throw BuildError(
      .imageMissing,
      "the artifact's own command succeeded, but no image \(tag) is in the store of "
        + "\(candidates.map(\.description).joined(separator: ", "))",
      output: tail,
      remedy: "the command must build the image that $IMAGE names, and leave it in the local store")
  }

  /// Returns the pushed image if the last command pushed too, and the registry's image is new. This saves asking a
  /// builder, which takes as long as its start. A command that did not push would leave an older image there.
  private nonisolated func known(_ pushed: RegistryClient.Found, _ artifact: Artifact) async -> MadeImage? {
    guard let former = await cache[artifact.cacheKey], former.pushed != nil, former.id != pushed.id,
      !former.replaced.contains(pushed.id),
      let store = former.store, store.kind != .docker, let tool = try? StoreTool(store, environment: environment),
      let directory = await imagesDirectory(tool),
      FileManager.default.fileExists(atPath: directory + "/" + pushed.id.dropFirst("sha256:".count))
    else { return nil }
    return MadeImage(id: pushed.id, store: store, pushed: pushed.reference)
  }

  /// The stores that a custom command may have built into: the builder's own first.
  private nonisolated var candidates: [BuilderStore] {
    let kinds =
      [kind]
      + BuilderKind.installed(environment: environment).filter { $0 != kind }.sorted { $0 != .docker && $1 == .docker }
    return (settings.storageArguments.isEmpty ? [] : [store]) + kinds.map { BuilderStore($0) }
  }

  private nonisolated func pull(_ reference: String, _ tool: StoreTool) async throws(BuildError) -> Bool {
    let host = reference.split(separator: "/").first.map(String.init) ?? ""
    let insecure =
      tool.store.kind != .docker && settings.insecureRegistries.contains(host) ? ["--tls-verify=false"] : []
    return try await tool.child(["pull", "--quiet"] + insecure + [reference]).read().status == 0
  }

  /// Removes leftovers. A failed removal, perhaps on a full disk, is tried again with the next build.
  private func removeLeftovers(_ markers: Set<String>, _ tool: StoreTool) async {
    unremoved.formUnion(markers)
    let now = unremoved
    guard let leftovers = Leftovers(tool, imagesDirectory: await imagesDirectory(tool)), await leftovers.remove(now)
    else { return }
    unremoved.subtract(now)
  }
}

/// The result of a build.
struct MadeImage: Sendable {
  var id: String
  var store: BuilderStore
  /// See `BuiltImage.pushed`.
  var pushed: String?
}
