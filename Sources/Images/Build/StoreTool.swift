import Inputs

/// A builder's commands about its store, and for small changes there.
struct StoreTool: Sendable {
  let store: BuilderStore
  let program: String
  let environment: [String: String]

  /// - Throws: `builderMissing`.
  init(_ store: BuilderStore, environment: [String: String]) throws(BuildError) {
    guard let program = InstalledProgram.find(store.kind.rawValue, environment: environment) else {
      throw .missing(store.kind.rawValue, "the builder", environment)
    }
    self.store = store
    self.program = program
    self.environment = Self.tuned(environment, for: store.kind)
  }

  /// Returns the command line `docker|podman|buildah <options of the store> <arguments>`.
  func child(_ arguments: [String], input: String? = nil) -> Child {
    Child(program: program, arguments: store.arguments + arguments, environment: environment, input: input)
  }

  /// Returns the id of the image of that name or id; nil if the store has none, or does not answer.
  func id(of reference: String) async throws(BuildError) -> String? {
    let question =
      store.kind == .buildah
      ? ["inspect", "--type", "image", "--format", "{{.FromImageID}}", reference]
      : ["image", "inspect", "--format", "{{.Id}}", reference]
    let answer = try await child(question).read()
    return answer.status == 0 ? Self.normalized(answer.output) : nil
  }

  func tag(_ id: String, _ reference: String) async throws(BuildError) {
    try await succeed(["tag", id, reference], "cannot tag the image \(reference)")
  }

  /// Returns the directory of the images' records, with a directory for each id: a look there costs no process. Nil for
  /// docker, whose daemon has them.
  func imagesDirectory() async throws(BuildError) -> String? {
    guard store.kind != .docker else { return nil }
    let format =
      store.kind == .podman
      ? "{{.Store.GraphRoot}} {{.Store.GraphDriverName}}" : "{{.store.GraphRoot}} {{.store.GraphDriverName}}"
    let answer = try await child(["info", "--format", format]).read()
    let words = answer.output.split(whereSeparator: \.isWhitespace)
    guard answer.status == 0, words.count == 2 else { return nil }
    return "\(words[0])/\(words[1])-images"
  }

  /// - Throws: `loadFailed` or `diskFull` with the tool's words.
  func succeed(_ arguments: [String], _ problem: String, line: @Sendable (String) -> Void = { _ in })
    async throws(BuildError)
  {
    let done = try await child(arguments).run(line: line)
    guard done.status != 0 else { return }
    // Each attempt says the same as the last one.
    let output = done.tail.filter { !$0.contains("Failed, retrying in ") }
    throw BuildFailure(
      tool: store.kind.rawValue, status: done.status, output: output, places: [environment["TMPDIR"] ?? "/var/tmp"]
    )
    .error(.loadFailed, problem)
  }

  /// Returns `sha256:` and 64 digits, from a builder's output or its `--iidfile`.
  static func normalized(_ text: String) -> String? {
    let word = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    let digits = word.hasPrefix("sha256:") ? String(word.dropFirst(7)) : word
    return digits.count == 64 && digits.allSatisfy(\.isHexDigit) ? "sha256:" + digits : nil
  }

  /// Returns the environment with settings for speed and output. podman and buildah run for less than a second: their
  /// garbage collector, unless it is near half a gigabyte, only takes time (a fifth of a build here). Docker's plain
  /// progress has one line for each step.
  private static func tuned(_ environment: [String: String], for kind: BuilderKind) -> [String: String] {
    let settings = kind == .docker ? ["BUILDKIT_PROGRESS": "plain"] : ["GOGC": "off", "GOMEMLIMIT": "512MiB"]
    return environment.merging(settings) { own, _ in own }
  }
}

extension BuildError {
  static func missing(_ program: String, _ role: String, _ environment: [String: String]) -> BuildError {
    BuildError(
      .builderMissing, "\(role) \(program) is not installed: looked in \(InstalledProgram.places(environment))",
      remedy: "install \(program), or put it into PATH")
  }
}
