/// The order that artifacts' requirements demand.
enum RequirementOrder {
  /// Returns the names along a circle of requirements, its first one at both ends; nil if there is none.
  static func cycle(in artifacts: [Artifact]) -> [String]? {
    let requirements = Dictionary(artifacts.map { ($0.image, $0.requires.map(\.image)) }, uniquingKeysWith: { $1 })
    var finished: Set<String> = []
    func visit(_ name: String, _ way: [String]) -> [String]? {
      if let start = way.firstIndex(of: name) { return Array(way[start...]) + [name] }
      if finished.contains(name) { return nil }
      for next in requirements[name] ?? [] { if let cycle = visit(next, way + [name]) { return cycle } }
      finished.insert(name)
      return nil
    }
    for artifact in artifacts { if let cycle = visit(artifact.image, []) { return cycle } }
    return nil
  }
}
