import Skaffold

/// The artifacts that can be built now: those whose required ones are done.
struct BuildOrder: Sendable {
  private let requirements: [[Int]]
  private var waiting: [Int]
  private var done: Set<Int> = []

  /// - Throws: `badInput` for a duplicate name, for a required name that no artifact has, and for a circle.
  init(_ artifacts: [Artifact]) throws(BuildError) {
    var places: [String: Int] = [:]
    for (index, artifact) in artifacts.enumerated() {
      if let first = places[artifact.image] {
        let place = artifacts[first].position.map { ", first at \($0)" } ?? ""
        throw BuildError(
          .badInput, "two artifacts have this image name\(place)", artifact: artifact.image,
          position: artifact.position, remedy: "give each a name of its own")
      }
      places[artifact.image] = index
    }
    var requirements: [[Int]] = []
    for artifact in artifacts {
      var needed: [Int] = []
      for requirement in artifact.requires {
        guard let place = places[requirement.image] else {
          throw BuildError(
            .badInput, "it requires \(requirement.image), which no artifact builds", artifact: artifact.image,
            position: artifact.position,
            remedy: "add that artifact, or take it out of `requires`")
        }
        needed.append(place)
      }
      requirements.append(needed)
    }
    self.requirements = requirements
    waiting = Array(artifacts.indices)
    try checkForCircles(artifacts)
  }

  /// Returns the next artifact to build, nil if all others wait for running ones, or none is left.
  mutating func next() -> Int? {
    guard let place = waiting.firstIndex(where: { requirements[$0].allSatisfy(done.contains) }) else { return nil }
    return waiting.remove(at: place)
  }

  mutating func finished(_ index: Int) { done.insert(index) }

  private func checkForCircles(_ artifacts: [Artifact]) throws(BuildError) {
    var copy = self
    while let index = copy.next() { copy.finished(index) }
    guard let stuck = copy.waiting.first else { return }
    let names = copy.waiting.map { artifacts[$0].image }.joined(separator: ", ")
    throw BuildError(
      .badInput, "artifacts require each other in a circle: \(names)", artifact: artifacts[stuck].image,
      position: artifacts[stuck].position,
      remedy: "take one out of `requires`")
  }
}
