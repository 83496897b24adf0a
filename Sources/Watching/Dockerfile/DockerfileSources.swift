/// The files that a build of a Dockerfile reads from its context: the sources of COPY, ADD and `RUN --mount=type=bind`
/// in the stages that the target needs.
public struct DockerfileSources: Sendable, Hashable {
  /// Relative to the context, cleaned, sorted; globs as for COPY (Go's filepath.Match); "." is the whole context. A
  /// directory means everything in it.
  public var paths: [String]
  /// Base images (`FROM`, `COPY --from`) of the stages that the target needs, with variables substituted;
  /// without `scratch` and stages.
  public var images: [String]
  /// The files that the target's own stages copy into its image.
  var copies: [DockerfileCopy] = []

  /// Reads a Dockerfile. A source with a variable of the base image counts as the whole context, since its value is
  /// unknown here. ONBUILD of a stage counts in the stages that begin from it; that of a base image is not known.
  /// - Parameters:
  ///   - file: the name for errors.
  ///   - target: a stage's name or number; nil for the last stage.
  /// - Throws: `.syntax` with the line, `.unknownTarget`.
  public init(parsing text: String, file: String, buildArgs: [String: String] = [:], target: String? = nil)
    throws(WatchError)
  {
    let stages = try DockerfileParser(try DockerfileReader(text, file: file), buildArgs: buildArgs).stages
    var needed: Set<Int> = []
    let last = try Self.index(of: target, stages, file)
    var open = [last]
    var images: Set<String> = []
    while let index = open.popLast() {
      guard needed.insert(index).inserted else { continue }
      for reference in [stages[index].base].compactMap({ $0 }) + stages[index].origins {
        switch reference {
        case .stage(let other): open.append(other)
        case .image(let name): if name != "scratch" { images.insert(name) }
        }
      }
    }
    let sources = Set(needed.flatMap { stages[$0].sources })
    paths = sources.contains(".") ? ["."] : sources.sorted()
    self.images = images.sorted()
    copies = Self.copies(of: last, stages)
  }

  /// Returns the copies of a stage and of those that it begins from.
  private static func copies(of last: Int, _ stages: [DockerfileStage]) -> [DockerfileCopy] {
    var copies: [DockerfileCopy] = []
    var next = last
    while true {
      copies = stages[next].copies + copies
      guard case .stage(let base)? = stages[next].base else { break }
      next = base
    }
    // A relative place counts from the image's working directory, which is known only as long as no WORKDIR moves it.
    guard stages[last].directory != "" else { return copies }
    return copies.map { copy in
      var copy = copy
      if copy.destination?.utf8.first != UInt8(ascii: "/") { copy.destination = nil }
      return copy
    }
  }

  private static func index(of target: String?, _ stages: [DockerfileStage], _ file: String) throws(WatchError) -> Int {
    guard let target, !target.isEmpty else { return stages.count - 1 }
    if let index = stages.lastIndex(where: { $0.name == target.lowercased() }) { return index }
    if let index = Int(target), stages.indices.contains(index) { return index }
    let names = stages.compactMap(\.name)
    throw WatchError(
      .unknownTarget, "there is no stage '\(target)'", file: file,
      remedy: names.isEmpty
        ? "give a stage a name: FROM IMAGE AS \(target)" : "choose one of \(names.joined(separator: ", ")) as target")
  }
}
