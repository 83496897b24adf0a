/// Finds circles in what requires what.
enum Circle {
  /// Returns the names along a circle, its first one at both ends; nil if there is none.
  static func first(from names: [String], _ next: (String) -> [String]) -> [String]? {
    var finished: Set<String> = []
    func visit(_ name: String, _ way: [String]) -> [String]? {
      if let start = way.firstIndex(of: name) { return Array(way[start...]) + [name] }
      if finished.contains(name) { return nil }
      for other in next(name) { if let circle = visit(other, way + [name]) { return circle } }
      finished.insert(name)
      return nil
    }
    for name in names { if let circle = visit(name, []) { return circle } }
    return nil
  }
}
