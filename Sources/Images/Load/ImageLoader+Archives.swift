import Inputs

extension ImageLoader {
  /// Runs a tool that reads an archive from its standard input: its file system may be another one than ours.
  func importStream(_ image: BuiltImage, _ tool: StoreTool, _ command: [String], _ output: @Sendable (String) -> Void)
    async throws(BuildError)
  {
    try await withArchive(of: image, tool, output) { archive throws(BuildError) in
      try await run(command, input: archive, output)
    }
  }

  /// Runs a tool that takes an archive's path among its arguments.
  func importFile(
    _ image: BuiltImage, _ tool: StoreTool, _ command: [String], _ options: [String],
    _ output: @Sendable (String) -> Void
  ) async throws(BuildError) {
    try await withArchive(of: image, tool, output) { archive throws(BuildError) in
      try await run(command + [archive] + options, input: nil, output)
    }
  }

  /// Writes the image as `docker save` does, for as long as the body runs.
  func withArchive(
    of image: BuiltImage, _ tool: StoreTool, _ output: @Sendable (String) -> Void,
    _ body: (String) async throws(BuildError) -> Void
  ) async throws(BuildError) {
    let scratch = try TemporaryDirectory(environment: builder.environment)
    defer { scratch.remove() }
    let archive = scratch.path + "/image.tar"
    let name = ImageName(image.repository).full + ":" + image.immutableTag
    let arguments =
      tool.store.kind == .docker
      ? ["save", "--output", archive, image.localReference]
      : ["push", "--quiet", image.id, "docker-archive:\(archive):\(name)"]
    try await tool.succeed(arguments, "cannot write the image to an archive", line: output)
    try await body(archive)
  }

  /// Runs a product's own tool.
  func run(_ command: [String], input: String?, _ output: @Sendable (String) -> Void) async throws(BuildError) {
    guard let program = InstalledProgram.find(command[0], environment: builder.environment) else {
      throw .missing(command[0], "\(product): its tool", builder.environment)
    }
    let child = Child(
      program: program, arguments: Array(command.dropFirst()), environment: builder.environment, input: input)
    let done = try await child.run(line: output)
    guard done.status != 0 else { return }
    let problem = "the image cannot be loaded into \(product)"
    var error = BuildFailure(tool: command[0], status: done.status, output: done.tail, places: []).error(
      .loadFailed, problem)
    if done.tail.contains(where: { $0.contains("permission denied") || $0.contains("must be root") }) {
      error.remedy = "it needs root: run devtunnel with sudo, or load with --load 'containerd:sudo'"
    }
    throw error
  }
}
