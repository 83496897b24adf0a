import Inputs

/// The positions of a Dockerfile's steps, to find a failed one.
struct DockerfileSteps {
  private var steps: [(line: Int, text: String)] = []

  init(_ file: String) {
    guard let contents = try? RegularFile.text(file, limit: 1 << 20) else { return }
    var open: (line: Int, text: String)?
    for (index, line) in contents.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      var text = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      // A continued step may contain comments and empty lines.
      if text.hasPrefix("#") || text.isEmpty { continue }
      let continues = text.hasSuffix("\\")
      if continues { text = text.dropLast().split(whereSeparator: \.isWhitespace).joined(separator: " ") }
      let step = (open?.line ?? index + 1, open.map { $0.text + " " + text } ?? text)
      if continues {
        open = step
      } else {
        steps.append(step)
        open = nil
      }
    }
  }

  /// True if it has ONBUILD, which an image in the OCI format cannot have.
  var hasTriggers: Bool { steps.contains { $0.text.prefix(8).uppercased() == "ONBUILD " } }

  /// Returns the line of the FROM that begins with an image.
  /// - Parameter image: as a builder names it, which may add the registry and the tag.
  func line(naming image: String) -> Int? {
    steps.first { step in
      let words = step.text.split(separator: " ").map(String.init)
      guard words.first?.uppercased() == "FROM" else { return false }
      return words.dropFirst().contains { word in
        ["", "docker.io/", "docker.io/library/"].contains { image == $0 + word || image == $0 + word + ":latest" }
      }
    }?.line
  }

  /// Returns a step's line.
  /// - Parameter step: as a builder names it; its arguments may be filled in, so the longest common beginning decides.
  func line(of step: String) -> Int? {
    let words = step.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let scored = steps.map { (line: $0.line, score: zip($0.text, words).prefix { $0.0 == $0.1 }.count) }
    guard let best = scored.max(by: { $0.score < $1.score }), let keyword = words.split(separator: " ").first,
      best.score > keyword.count
    else { return nil }
    return best.line
  }
}
