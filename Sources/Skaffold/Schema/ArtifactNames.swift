import Manifests

/// The names of all artifacts that go into one cluster.
enum ArtifactNames {
  /// Returns the artifacts that share a name, since they would overwrite each other's image, and requirements that are
  /// no artifact or form a cycle.
  static func problems(_ artifacts: [Artifact]) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    func report(_ message: String, _ artifact: Artifact?, _ remedy: String) {
      problems.append(
        Diagnostic(.error, message, at: artifact?.position, field: "build.artifacts", remedy: remedy))
    }
    var byName: [String: Artifact] = [:]
    for artifact in artifacts {
      guard let other = byName.updateValue(artifact, forKey: artifact.image) else { continue }
      report(
        "another artifact is called \(artifact.image)" + (other.position.map { " (\($0))" } ?? ""), artifact,
        "give each image its own name")
    }
    for artifact in artifacts {
      for requirement in artifact.requires where byName[requirement.image] == nil {
        report(
          "\(artifact.image) requires \(requirement.image), which is no artifact", artifact,
          "correct the name, or add the artifact")
      }
    }
    let requirements = byName.mapValues { $0.requires.map(\.image) }
    if let cycle = Circle.first(from: artifacts.map(\.image), { requirements[$0] ?? [] }) {
      report(
        "artifacts require each other: \(cycle.joined(separator: " → "))", byName[cycle[0]], "remove one requirement")
    }
    return problems
  }
}
