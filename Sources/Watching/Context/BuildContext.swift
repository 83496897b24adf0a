/// The files that a build of an image can see: the context's directory, without ignored files and those
/// that no COPY or ADD names.
public struct BuildContext: Sendable, Hashable {
  /// Absolute.
  public let directory: String
  /// Absolute; nil for a custom build.
  public let dockerfile: String?
  /// The rules of .dockerignore.
  public let ignore: IgnoreRules
  /// Globs relative to the directory: see `DockerfileSources.paths`. If one of those is a symbolic link,
  /// its target is here too.
  public let sources: [String]
  /// Base images: see `DockerfileSources.images`.
  public let images: [String]
  /// Files whose change requires a new `BuildContext`: the Dockerfile and its ignore file, absolute; both names of the
  /// latter, since either may appear.
  public let definitionFiles: [String]

  let selection: Selection
  private let copies: [DockerfileCopy]
  /// The digest's inputs other than files: build arguments and target.
  let parameters: [String]

  /// Reads the Dockerfile and the ignore file.
  /// - Parameters:
  ///   - directory: the context; absolute, or relative to the working directory.
  ///   - dockerfile: absolute, or relative to the working directory; nil for `Dockerfile` in the context.
  /// - Throws: `.missing` for either path, `.syntax`, `.unknownTarget`.
  public init(directory: String, dockerfile: String? = nil, buildArgs: [String: String] = [:], target: String? = nil)
    throws(WatchError)
  {
    let root = try Self.existing(directory)
    let file = dockerfile.map(absolutePath) ?? root + "/Dockerfile"
    guard FileStatus(file, followsLink: true)?.kind == .file else {
      throw WatchError(
        .missing, "there is no such Dockerfile", file: file, remedy: "name it in the artifact's docker.dockerfile")
    }
    let parsed = try DockerfileSources(parsing: try readText(file), file: file, buildArgs: buildArgs, target: target)
    var rules = IgnoreRules()
    if let ignoreFile = IgnoreRules.dockerignoreFile(context: root, dockerfile: file) {
      rules = try IgnoreRules(dockerignore: try readText(ignoreFile), file: ignoreFile)
    }
    self.init(
      root, file, rules, parsed.paths, copies: parsed.copies, images: parsed.images,
      parameters: buildArgs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + ["target=\(target ?? "")"])
  }

  /// The files that a custom build depends on (Skaffold's `custom.dependencies`).
  /// - Parameters:
  ///   - paths: globs relative to the directory; a directory means everything in it.
  ///   - ignore: patterns as in .dockerignore.
  public init(directory: String, paths: [String], ignore: [String] = []) throws(WatchError) {
    let rules = try IgnoreRules(dockerignore: ignore.joined(separator: "\n"), file: "ignore")
    self.init(
      try Self.existing(directory), nil, rules, paths.map { sourcePath($0) }.sorted(), copies: [], images: [],
      parameters: [])
  }

  private init(
    _ directory: String, _ dockerfile: String?, _ ignore: IgnoreRules, _ sources: [String], copies: [DockerfileCopy],
    images: [String], parameters: [String]
  ) {
    self.copies = copies
    self.directory = directory
    self.dockerfile = dockerfile
    self.ignore = ignore
    self.sources = Set(sources + sources.compactMap { resolvedSource($0, in: directory) }).sorted()
    self.images = images
    self.parameters = parameters
    definitionFiles = dockerfile.map { [$0] + IgnoreRules.dockerignoreFiles(context: directory, dockerfile: $0) } ?? []
    selection = Selection(sources: self.sources, ignore: ignore)
  }

  /// Returns the places in the image that the Dockerfile copies a file to: absolute, or relative to the image's working
  /// directory. Empty: the target's own stages do not copy it.
  /// - Parameter path: relative to the context, cleaned.
  /// - Returns: nil if one of the places is not known.
  public func destinations(of path: String) -> [String]? {
    var places: [String] = []
    for copy in copies {
      switch copy.result(for: path) {
      case .none: break
      case .unknown: return nil
      case .path(let place): if !places.contains(place) { places.append(place) }
      }
    }
    return places
  }

  private static func existing(_ directory: String) throws(WatchError) -> String {
    let path = absolutePath(directory)
    guard FileStatus(path, followsLink: true)?.kind == .directory else {
      throw WatchError(
        .missing, "there is no such directory to build from", file: path, remedy: "correct the artifact's context")
    }
    return path
  }
}

/// Returns a source as COPY resolves it: always inside the context.
func sourcePath(_ source: some StringProtocol) -> String {
  let clean = cleanPath("/" + source)
  return clean == "/" ? "." : String(decoding: clean.utf8.dropFirst(), as: UTF8.self)
}

/// Resolves the links of a source without wildcards, as the builder does, inside the context; nil if it has none.
private func resolvedSource(_ source: String, in directory: String) -> String? {
  guard source != ".", !source.contains(where: { "*?[\\".contains($0) }) else { return nil }
  var rest = pathParts(source).reversed().map { $0 }
  var done = ""
  var links = 0
  while let part = rest.popLast() {
    let next = done + "/" + part
    guard let target = linkTarget(directory + next) else {
      done = next
      continue
    }
    links += 1
    guard links < 40 else { return nil }
    let isAbsolute = target.utf8.first == UInt8(ascii: "/")
    let whole = cleanPath((isAbsolute ? "" : done + "/") + target)
    rest += pathParts(sourcePath(whole)).filter { $0 != "." }.reversed()
    done = ""
  }
  let resolved = sourcePath(done)
  return resolved == source ? nil : resolved
}
