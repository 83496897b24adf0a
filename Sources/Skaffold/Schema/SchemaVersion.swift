/// The schemas of skaffold.yaml (`apiVersion: skaffold/…`).
struct SchemaVersion: Hashable, Comparable, CustomStringConvertible {
  /// `v2alpha3`.
  let name: String
  private let order: Int

  /// Oldest first (Skaffold, pkg/skaffold/schema/versions.go).
  static let known: [SchemaVersion] = {
    let names =
      numbered("v1alpha", 1...5) + numbered("v1beta", 1...17) + ["v1"] + numbered("v2alpha", 1...4)
      + numbered("v2beta", 1...29) + ["v3alpha1", "v3"]
      + numbered("v4beta", 1...14)
    return names.enumerated().map { SchemaVersion(name: $1, order: $0) }
  }()

  /// Those with the fields this reader knows.
  static let readable = known.filter { $0 >= oldest }

  /// - Parameter text: `skaffold/v2alpha3`.
  init?(_ text: String) {
    guard text.hasPrefix("skaffold/"), let found = Self.known.first(where: { $0.name == text.dropFirst(9) }) else {
      return nil
    }
    self = found
  }

  private init(name: String, order: Int) {
    self.name = name
    self.order = order
  }

  private static func numbered(_ prefix: String, _ numbers: ClosedRange<Int>) -> [String] {
    numbers.map { "\(prefix)\($0)" }
  }
  private static func named(_ name: String) -> SchemaVersion {
    known.first { $0.name == name } ?? SchemaVersion(name: name, order: -1)
  }

  /// The oldest readable one: before it artifacts and deployers had another form.
  static let oldest = named("v1beta1")
  /// The first version with `manifests`; older ones have `deploy.kubectl` and `deploy.kustomize`.
  static let manifestsSection = named("v3alpha1")

  var hasManifestsSection: Bool { self >= Self.manifestsSection }
  var description: String { "skaffold/\(name)" }

  static func < (one: SchemaVersion, other: SchemaVersion) -> Bool { one.order < other.order }
}
