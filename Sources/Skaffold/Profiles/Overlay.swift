import Manifests

/// Lays a profile over a configuration as Skaffold does: structs are merged field by field, lists and optional values
/// are replaced. Of fields that exclude each other (tag policy, builder) the profile's one remains.
enum Overlay {
  /// The way to lay a mapping over another.
  private indirect enum Shape {
    /// Field by field; those not listed are replaced.
    case merged([String: Shape])
    case replaced
    /// The group's fields exclude each other.
    case mergedExclusive([String: Shape], exclusive: Set<String>)
  }

  /// The sections that a profile may have (Skaffold, latest.Pipeline: structs by value are merged, pointers and slices
  /// replaced).
  private static let sections: [String: Shape] = [
    "build": .mergedExclusive(["hooks": .merged([:])], exclusive: ["local", "googleCloudBuild", "cluster"]),
    "test": .replaced,
    "manifests": .merged(["hooks": .merged([:])]),
    "deploy": .merged(["logs": .merged([:])]),
    "portForward": .replaced,
    "resourceSelector": .merged([:]),
    "verify": .replaced,
    "customActions": .replaced,
  ]

  static func apply(_ profile: YAMLNode, to configuration: YAMLNode) -> YAMLNode {
    guard case .mapping(let members) = profile.content else { return configuration }
    var result = configuration
    for member in members {
      guard let shape = sections[member.key] else { continue }
      result.set(member.key, lay(member.value, over: configuration[member.key], shape))
    }
    return result
  }

  private static func lay(_ new: YAMLNode, over old: YAMLNode?, _ shape: Shape) -> YAMLNode {
    guard let old else { return new }
    if isUnset(new) { return old }
    guard case .mapping(let members) = new.content, case .mapping = old.content else { return new }
    let fields: [String: Shape]
    var result = old
    switch shape {
    case .replaced: return new
    case .merged(let shapes): fields = shapes
    case .mergedExclusive(let shapes, let exclusive):
      fields = shapes
      if members.contains(where: { exclusive.contains($0.key) }) { for key in exclusive { result.remove(key) } }
    }
    for member in members {
      result.set(member.key, lay(member.value, over: old[member.key], fields[member.key] ?? .replaced))
    }
    return result
  }

  /// Skaffold cannot distinguish an empty list, an empty text and a `false` from nothing.
  private static func isUnset(_ node: YAMLNode) -> Bool {
    switch node.content {
    case .scalar(let text, let isPlain): text.isEmpty || node.isNull || isPlain && text == "0"
    case .sequence(let elements): elements.isEmpty
    case .mapping: false
    }
  }
}
