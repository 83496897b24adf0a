import KubeObjects

/// The merge rules for a kind's lists in a strategic merge patch (the `patchStrategy` and `patchMergeKey` tags of
/// Kubernetes' API types), and the parts that server-side apply takes as one field (`x-kubernetes-map-type` and
/// `x-kubernetes-list-type` in Kubernetes' OpenAPI).
///
/// Maps merge unless they are atomic; a list that is not named here is replaced as a whole.
struct MergeSchema: Sendable {
  /// Lists of objects merge by this member.
  var mergeKey: String?
  /// Lists of plain values merge as sets.
  var mergesValues = false
  /// The members that tell a list's elements apart in server-side apply, where they are others than `mergeKey` alone,
  /// and their defaults.
  fileprivate var applyKeys: [ApplyKey] = []
  /// Server-side apply takes the map as one value. A strategic merge patch does not mind.
  private(set) var isAtomic = false
  /// The same of a list's elements.
  fileprivate var hasAtomicElements = false
  /// The schemas of members, or of the members of each element.
  fileprivate var members: [String: MergeSchema] = [:]

  struct ApplyKey: Sendable {
    var name: String
    var fallback: JSONValue?
  }

  static let plain = MergeSchema()

  func member(_ name: String) -> MergeSchema { members[name] ?? .plain }

  /// The schema of a list's elements: their members merge as the list says, the list's own key does not apply to them.
  var element: MergeSchema { MergeSchema(isAtomic: hasAtomicElements, members: members) }

  /// The members that tell a list's elements apart in server-side apply; empty for lists that are sets or one value.
  var listKeys: [ApplyKey] { applyKeys.isEmpty ? mergeKey.map { [ApplyKey(name: $0)] } ?? [] : applyKeys }
}

extension MergeSchema {
  static func map(_ members: [String: MergeSchema]) -> MergeSchema { MergeSchema(members: members) }
  static func list(by key: String, _ members: [String: MergeSchema] = [:]) -> MergeSchema {
    MergeSchema(mergeKey: key, members: members)
  }
  /// A list that a strategic merge patch merges by its first key, and server-side apply by all of them.
  static func list(by keys: ApplyKey..., members: [String: MergeSchema] = [:]) -> MergeSchema {
    MergeSchema(mergeKey: keys.first?.name, applyKeys: keys, members: members)
  }
  /// A list of references that are one value each.
  static func references(by key: String) -> MergeSchema { MergeSchema(mergeKey: key, hasAtomicElements: true) }
  static let values = MergeSchema(mergesValues: true)
  static let atomic = MergeSchema(isAtomic: true)
}
