extension ImageLoader {
  /// Pushes under the immutable tag: layers that the registry has are not sent. Credentials are the tool's own affair
  /// (`docker login`). podman and buildah push by id: setting the tag first would take as long as their start.
  func push(
    _ image: BuiltImage, _ names: ClusterProduct.RegistryNames, _ tool: StoreTool, _ output: @Sendable (String) -> Void
  ) async throws(BuildError) {
    let target = ImageName(image.repository).below(names.push) + ":" + image.immutableTag
    let problem = "cannot push \(target)"
    guard tool.store.kind != .docker else {
      try await tool.tag(image.id, target)
      return try await tool.succeed(["push", "--quiet", target], problem, line: output)
    }
    let host = ImageName(target).registry ?? ""
    let insecure = names.isInsecure || builder.settings.insecureRegistries.contains(host) ? ["--tls-verify=false"] : []
    try await tool.succeed(["push", "--quiet"] + insecure + [image.id, "docker://" + target], problem, line: output)
  }

  /// Does nothing if the image is in the store that the nodes use; else brings it there.
  func share(_ image: BuiltImage, _ kind: BuilderKind, _ tool: StoreTool, _ output: @Sendable (String) -> Void)
    async throws(BuildError)
  {
    // podman and buildah of one user have one store.
    let isSame =
      image.store.arguments.isEmpty && (image.store.kind == kind || image.store.kind != .docker && kind != .docker)
    guard !isSame else { return }
    let target = try StoreTool(BuilderStore(kind), environment: builder.environment)
    try await withArchive(of: image, tool, output) { archive throws(BuildError) in
      let arguments =
        kind == .docker ? ["load", "--quiet", "--input", archive] : ["pull", "--quiet", "docker-archive:" + archive]
      try await target.succeed(arguments, "the image cannot be loaded into \(product)", line: output)
    }
  }
}
