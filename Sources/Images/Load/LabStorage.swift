/// The lab's images: a containers/storage that buildah fills and the lab's node reads.
struct LabStorage: Sendable {
  let images: String

  /// Returns the store's global options for buildah and podman; the lab's node uses the same.
  static func arguments(_ images: String) -> [String] {
    ["--root", images + "/storage", "--runroot", images + "/run", "--storage-driver", "vfs"]
  }

  /// Copies the image, unless it was built there.
  func load(_ image: BuiltImage, _ tool: StoreTool, _ output: @Sendable (String) -> Void) async throws(BuildError) {
    let arguments = Self.arguments(images)
    guard image.store.arguments != arguments else { return }
    let problem = "the image cannot be copied into the lab's store"
    let target = ImageName(image.repository).full + ":" + image.immutableTag
    if image.store.kind != .docker {
      let place = "containers-storage:[vfs@\(images)/storage+\(images)/run]\(target)"
      return try await tool.succeed(["push", "--quiet", image.id, place], problem, line: output)
    }
    let scratch = try TemporaryDirectory(environment: tool.environment)
    defer { scratch.remove() }
    let archive = scratch.path + "/image.tar"
    try await tool.succeed(["save", "--output", archive, image.localReference], problem, line: output)
    let buildah = try StoreTool(BuilderStore(.buildah, arguments: arguments), environment: tool.environment)
    try await buildah.succeed(["pull", "--quiet", "docker-archive:" + archive], problem, line: output)
  }
}
