import FoundationEssentials
import Skaffold

extension ImageBuilder {
  /// Builds one image, unless nothing has changed since it was last built and it is still in its store.
  nonisolated func build(
    _ artifact: Artifact, tag: String, required: [BuiltImage], line: @escaping @Sendable (String) -> Void
  ) async throws(BuildError) -> BuiltImage {
    let start = ContinuousClock.now
    do throws(BuildError) {
      let inputs = ArtifactInputs(
        options: artifact.options(settings, store: store, environment: environment, required: required), digest: try digest(artifact))
      if let (id, store) = try await cached(artifact, inputs, tag: tag) {
        return BuiltImage(name: artifact.image, tag: tag, id: id, store: store, isFromCache: true, duration: .now - start)
      }
      let aliases = zip(artifact.requires, required).map { (alias: $0.alias, reference: $1.tag) }
      let (id, store) =
        switch artifact.build {
        case .docker(let docker): (try await run(docker, artifact, tag, aliases, line), store)
        case .custom(let custom): try await run(custom, artifact, tag, aliases, line)
        }
      try await remember(artifact, inputs, tag: tag, id: id, store: store)
      return BuiltImage(name: artifact.image, tag: tag, id: id, store: store, isFromCache: false, duration: .now - start)
    } catch {
      var error = error
      error.artifact = artifact.image
      error.position = error.position ?? artifact.position
      throw error
    }
  }

  private nonisolated func run(
    _ docker: DockerBuild, _ artifact: Artifact, _ tag: String, _ required: [(alias: String, reference: String)], _ line: @Sendable (String) -> Void
  ) async throws(BuildError) -> String {
    let scratch = try TemporaryDirectory(environment: environment)
    defer { scratch.remove() }
    let tool = try StoreTool(store, environment: environment)
    let marker = await nextMarker()
    let build = DockerfileBuild(
      build: docker, context: artifact.context, tag: tag, identifierFile: scratch.path + "/id", settings: settings, required: required, marker: marker)
    var child = tool.child(build.arguments(for: kind))
    child.environment["TMPDIR"] = scratch.path
    let status: Int32
    let tail: [String]
    do throws(BuildError) { (status, tail) = try await child.run(line: line) } catch {
      await leftovers(tool)?.remove(marker)
      throw error
    }
    guard status == 0 else {
      let error = BuildFailure(
        tool: kind.rawValue, status: status, output: tail, places: [scratch.path, await imagesDirectory(tool) ?? "/var/lib/docker"],
        dockerfile: docker.dockerfile
      ).error(.commandFailed, "the build failed")
      // On a full disk, or killed by somebody else, it does not clean up by itself.
      await leftovers(tool)?.remove(marker)
      throw error
    }
    let written = FileManager.default.contents(atPath: build.identifierFile).map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard let id = StoreTool.normalized(written) else {
      throw BuildError(.commandFailed, "\(kind.rawValue) did not say which image it built", output: tail)
    }
    return id
  }

  private nonisolated func run(
    _ custom: CustomBuild, _ artifact: Artifact, _ tag: String, _ required: [(alias: String, reference: String)], _ line: @Sendable (String) -> Void
  ) async throws(BuildError) -> (String, BuilderStore) {
    let command = CustomCommand(command: custom.command, context: artifact.context, tag: tag, settings: settings, required: required)
    let (status, tail) = try await command.child(environment: environment).run(line: line)
    guard status == 0 else {
      throw BuildFailure(tool: "`\(custom.command)`", status: status, output: tail, places: [environment["TMPDIR"] ?? "/var/tmp", artifact.context])
        .error(.commandFailed, "the artifact's own command failed")
    }
    for store in candidates {
      let tool = try StoreTool(store, environment: environment)
      if let id = try await tool.id(of: tag) { return (id, store) }
      // Pushed and not kept: the registry has it.
      if settings.pushes, store.kind == kind, try await pull(tag, tool), let id = try await tool.id(of: tag) { return (id, store) }
    }
    throw BuildError(
      .imageMissing, "the artifact's own command ended well, and no image \(tag) is in the store of \(candidates.map(\.description).joined(separator: ", "))",
      output: tail, remedy: "the command must build what $IMAGE names, and leave it in the local store")
  }

  /// The stores that a custom command may have built into: the builder's own first.
  private nonisolated var candidates: [BuilderStore] {
    let kinds = [kind] + BuilderKind.installed(environment: environment).filter { $0 != kind }.sorted { $0 != .docker && $1 == .docker }
    return (settings.storageArguments.isEmpty ? [] : [store]) + kinds.map { BuilderStore($0) }
  }

  private nonisolated func pull(_ reference: String, _ tool: StoreTool) async throws(BuildError) -> Bool {
    let host = reference.split(separator: "/").first.map(String.init) ?? ""
    let insecure = tool.store.kind != .docker && settings.insecureRegistries.contains(host) ? ["--tls-verify=false"] : []
    return try await tool.child(["pull", "--quiet"] + insecure + [reference]).read().status == 0
  }

  private nonisolated func leftovers(_ tool: StoreTool) async -> Leftovers? { Leftovers(tool, imagesDirectory: await imagesDirectory(tool)) }
}
