/// Notices builders that wait for a registry, by their output: a base image that cannot be reached is silent for
/// minutes. No I/O.
struct PullWatch {
  private struct Pull {
    var image: String
    var since: ContinuousClock.Instant
  }

  /// By artifact.
  private var pulls: [String: Pull] = [:]

  /// A pull that says nothing for so long is reported.
  static let patience = Duration.seconds(10)

  /// Takes a line of a builder's output.
  /// - Returns: a warning for the user.
  mutating func take(_ line: String, of artifact: String, at now: ContinuousClock.Instant) -> String? {
    if let words = line.firstMatch(of: #/Failed, retrying in .*?Error: (.*)/#) {
      pulls[artifact] = nil
      return "\(artifact): a base image cannot be pulled, and is tried again: \(words.1.trimming("\""))"
    }
    let begin =
      line.firstMatch(of: #/^Trying to pull (\S+?)(\.\.\.)?$/#)?.1
      ?? line.firstMatch(of: #/\[internal\] load metadata for (\S+)$/#)?.1
    pulls[artifact] = begin.map { Pull(image: String($0), since: now) }
    return nil
  }

  /// Returns a warning for each pull that has been silent too long, once.
  mutating func overdue(at now: ContinuousClock.Instant) -> [String] {
    let late = pulls.filter { now - $0.value.since >= Self.patience }
    for artifact in late.keys { pulls[artifact] = nil }
    return late.sorted { $0.key < $1.key }.map { artifact, pull in
      "\(artifact): nothing has come of the base image \(pull.image) for \(Self.patience.components.seconds) s: its "
        + "registry may be out of reach"
    }
  }
}

extension Substring {
  fileprivate func trimming(_ end: Character) -> Substring { last == end ? dropLast() : self }
}
