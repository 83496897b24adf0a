import Manifests

/// A kustomization file and what it refers to (Kustomize reference, "kustomization.yaml").
struct Kustomization {
  /// What a reference leads to.
  enum Role {
    /// A file of objects, a directory with a kustomization, or a URL.
    case resource
    /// A YAML file that is no resource: a patch, a configuration.
    case configuration
    /// A generator's input, of whatever form.
    case data
  }

  static let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"]

  let directory: String
  let file: String
  var root: YAMLNode

  /// The kustomization's file, nil where the directory has none.
  static func file(in directory: String) -> String? { names.map { directory + "/" + $0 }.first(where: Paths.isFile) }

  private static let lists: [String: Role] = [
    "resources": .resource, "bases": .resource, "components": .resource, "generators": .resource, "transformers": .resource, "validators": .resource,
    "crds": .configuration, "configurations": .configuration, "patchesStrategicMerge": .configuration,
  ]
  private static let objects = ["patches", "patchesJson6902", "replacements"]
  private static let generators = ["configMapGenerator", "secretGenerator"]

  /// The kustomization with each reference replaced by what `replace` makes of it.
  func mapped(_ replace: (String, Role) -> String) -> YAMLNode {
    var result = root
    for (field, role) in Self.lists { if let list = root[field] { result.set(field, Self.each(list) { Self.path($0, role, replace) }) } }
    for field in Self.objects { if let list = root[field] { result.set(field, Self.each(list) { Self.member($0, "path", .configuration, replace) }) } }
    if let openapi = root["openapi"] { result.set("openapi", Self.member(openapi, "path", .configuration, replace)) }
    for field in Self.generators { if let list = root[field] { result.set(field, Self.each(list) { Self.generator($0, replace) }) } }
    return result
  }

  private static func each(_ list: YAMLNode, _ change: (YAMLNode) -> YAMLNode) -> YAMLNode {
    guard case .sequence(let elements) = list.content else { return list }
    return YAMLNode(.sequence(elements.map(change)), position: list.position, path: list.path)
  }

  /// A path in place of which YAML may stand.
  private static func path(_ node: YAMLNode, _ role: Role, _ replace: (String, Role) -> String) -> YAMLNode {
    guard case .scalar(let text, _) = node.content, !text.isEmpty, !text.contains("\n"), !text.hasPrefix("{") else { return node }
    return YAMLNode(.scalar(replace(text, role), isPlain: false), position: node.position, path: node.path)
  }

  private static func member(_ node: YAMLNode, _ key: String, _ role: Role, _ replace: (String, Role) -> String) -> YAMLNode {
    // The first kustomize had a plain list of patch files.
    if case .scalar = node.content { return path(node, role, replace) }
    guard let value = node[key] else { return node }
    var result = node
    result.set(key, path(value, role, replace))
    return result
  }

  /// `files` may give the key: `KEY=PATH`.
  private static func generator(_ node: YAMLNode, _ replace: (String, Role) -> String) -> YAMLNode {
    func file(_ text: String, _ role: Role) -> String {
      guard let equals = text.firstIndex(of: "=") else { return replace(text, role) }
      return text[...equals] + replace(String(text[text.index(after: equals)...]), role)
    }
    var result = node
    if let files = node["files"] { result.set("files", each(files) { path($0, .data, file) }) }
    if let files = node["envs"] { result.set("envs", each(files) { path($0, .data, replace) }) }
    return member(result, "env", .data, replace)
  }

  // MARK: Old ones

  /// Whether today's kustomize refuses it.
  var isOutdated: Bool { root["imageTags"] != nil || hasPlainPatches }

  private var hasPlainPatches: Bool {
    guard case .sequence(let patches)? = root["patches"]?.content else { return false }
    return patches.contains { $0.kind == .scalar }
  }

  /// As today's kustomize wants it; what it only warns of (`bases`) along with what it refuses.
  var modernized: Kustomization {
    var result = self
    if let bases = root["bases"], case .sequence(let old) = bases.content {
      let resources: [YAMLNode] = if case .sequence(let present)? = root["resources"]?.content { present } else { [] }
      result.root.set("resources", YAMLNode(.sequence(resources + old), position: bases.position, path: bases.path))
      result.root.remove("bases")
    }
    if let patches = root["patches"], hasPlainPatches {
      result.root.set(
        "patches",
        Self.each(patches) { patch in
          guard case .scalar = patch.content else { return patch }
          return YAMLNode(.mapping([.init(key: "path", position: patch.position, value: patch)]), position: patch.position, path: patch.path)
        })
    }
    if let tags = root["imageTags"] {
      result.root.set("images", root["images"] ?? tags)
      result.root.remove("imageTags")
    }
    return result
  }
}
