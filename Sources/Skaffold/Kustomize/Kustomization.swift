import Manifests

/// A kustomization file and what it refers to (Kustomize reference, "kustomization.yaml").
struct Kustomization {
  /// The kind of a reference's target.
  enum Role {
    /// A file of objects, a directory with a kustomization, or a URL.
    case resource
    /// A YAML file that is no resource: a patch, a configuration.
    case configuration
    /// A generator's input, of whatever form.
    case data
  }

  /// A reference in the kustomization.
  struct Reference {
    var path: String
    var role: Role
    var position: SourcePosition
  }

  static let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"]

  let directory: String
  let file: String
  var root: YAMLNode

  /// Returns the kustomization's file, nil if the directory has none.
  static func file(in directory: String) -> String? { names.map { directory + "/" + $0 }.first(where: Paths.isFile) }

  private static let lists: [String: Role] = [
    "resources": .resource, "bases": .resource, "components": .resource, "generators": .resource,
    "transformers": .resource, "validators": .resource,
    "crds": .configuration, "configurations": .configuration, "patchesStrategicMerge": .configuration,
  ]
  private static let objects = ["patches", "patchesJson6902", "replacements"]
  private static let generators = ["configMapGenerator", "secretGenerator"]
  /// Plugins' configurations: only the plugins know which files those read.
  private static let plugins = ["generators", "transformers", "validators"]
  /// Fields that accept YAML instead of a path.
  private static let inlines: Set<String> = ["generators", "transformers", "validators", "patchesStrategicMerge"]

  /// Returns the kustomization with each reference replaced by the result of `replace`.
  func mapped(_ replace: (Reference) -> String) -> YAMLNode {
    var result = root
    for (field, role) in Self.lists {
      guard let list = root[field] else { continue }
      let mayBeInline = Self.inlines.contains(field)
      result.set(field, Self.each(list) { mayBeInline && isInline($0) ? $0 : Self.path($0, role, replace) })
    }
    for field in Self.objects {
      if let list = root[field] {
        result.set(field, Self.each(list) { Self.member($0, "path", .configuration, replace) })
      }
    }
    if let openapi = root["openapi"] { result.set("openapi", Self.member(openapi, "path", .configuration, replace)) }
    for field in Self.generators {
      if let list = root[field] { result.set(field, Self.each(list) { Self.generator($0, replace) }) }
    }
    return result
  }

  private static func each(_ list: YAMLNode, _ change: (YAMLNode) -> YAMLNode) -> YAMLNode {
    guard case .sequence(let elements) = list.content else { return list }
    return YAMLNode(.sequence(elements.map(change)), position: list.position, path: list.path)
  }

  private static func path(_ node: YAMLNode, _ role: Role, _ replace: (Reference) -> String) -> YAMLNode {
    guard case .scalar(let text, _) = node.content, !text.isEmpty else { return node }
    let reference = Reference(path: text, role: role, position: node.position)
    return YAMLNode(.scalar(replace(reference), isPlain: false), position: node.position, path: node.path)
  }

  /// Kustomize takes a text for a path if that exists, so only a mapping at no existing path counts as inline YAML.
  private func isInline(_ node: YAMLNode) -> Bool {
    guard case .scalar(let text, _) = node.content, text.contains("\n") || text.hasPrefix("{"),
      Paths.isDirectory(Paths.absolute(text, in: directory)) == nil
    else { return false }
    var warnings: [Diagnostic] = []
    let documents = try? YAMLNode.documents(in: text, file: file, warnings: &warnings)
    return documents.map { !$0.isEmpty && $0.allSatisfy { $0.kind == .mapping } } ?? false
  }

  private static func member(_ node: YAMLNode, _ key: String, _ role: Role, _ replace: (Reference) -> String)
    -> YAMLNode
  {
    // The first kustomize had a plain list of patch files.
    if case .scalar = node.content { return path(node, role, replace) }
    guard let value = node[key] else { return node }
    var result = node
    result.set(key, path(value, role, replace))
    return result
  }

  /// `files` may give the key: `KEY=PATH`.
  private static func generator(_ node: YAMLNode, _ replace: (Reference) -> String) -> YAMLNode {
    func file(_ written: Reference) -> String {
      guard let equals = written.path.utf8.firstIndex(of: UInt8(ascii: "=")) else { return replace(written) }
      var reference = written
      reference.path = String(decoding: written.path.utf8[equals...].dropFirst(), as: UTF8.self)
      return String(decoding: written.path.utf8[...equals], as: UTF8.self) + replace(reference)
    }
    var result = node
    if let files = node["files"] { result.set("files", each(files) { path($0, .data, file) }) }
    if let files = node["envs"] { result.set("envs", each(files) { path($0, .data, replace) }) }
    return member(result, "env", .data, replace)
  }

  // MARK: Contents

  /// Every path in it.
  var references: [Reference] {
    var references: [Reference] = []
    _ = mapped { reference in
      references.append(reference)
      return reference.path
    }
    return references
  }

  /// The fields that name plugins' configurations.
  var pluginFields: [(name: String, position: SourcePosition)] {
    Self.plugins.compactMap { name in
      guard let node = root[name], case .sequence(let elements) = node.content, !elements.isEmpty else { return nil }
      return (name, node.position)
    }
  }

  /// Keys that kustomize takes for others: like Go's JSON it ignores case, and reads `ſ` as `s`.
  var disguisedKeys: [Diagnostic] {
    var found = Self.disguised(
      in: root, Set(Self.lists.keys).union(Self.objects).union(Self.generators).union(["openapi"]))
    let members: [(fields: [String], keys: Set<String>)] = [
      (Self.objects + ["openapi"], ["path"]), (Self.generators, ["files", "envs", "env"]),
    ]
    for (fields, keys) in members {
      for node in fields.compactMap({ root[$0] }) {
        let elements: [YAMLNode] = if case .sequence(let elements) = node.content { elements } else { [node] }
        for element in elements { found += Self.disguised(in: element, keys) }
      }
    }
    return found
  }

  private static func disguised(in node: YAMLNode, _ known: Set<String>) -> [Diagnostic] {
    guard case .mapping(let members) = node.content else { return [] }
    let lowercased = Set(known.map { $0.lowercased() })
    return members.filter { member in
      !known.contains(member.key) && (!member.key.allSatisfy(\.isASCII) || lowercased.contains(member.key.lowercased()))
    }.map { member in
      Diagnostic(
        .error, "a kustomization has no field '\(member.key)'", at: member.position,
        remedy: "write it as the documentation does")
    }
  }

  // MARK: Old forms

  /// True if today's kustomize refuses it.
  var isOutdated: Bool { root["imageTags"] != nil || hasPlainPatches }

  private var hasPlainPatches: Bool {
    guard case .sequence(let patches)? = root["patches"]?.content else { return false }
    return patches.contains { $0.kind == .scalar }
  }

  /// The form that today's kustomize wants; fields that it only warns about (`bases`) are changed too.
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
          return YAMLNode(
            .mapping([.init(key: "path", position: patch.position, value: patch)]), position: patch.position,
            path: patch.path)
        })
    }
    if let tags = root["imageTags"] {
      result.root.set("images", root["images"] ?? tags)
      result.root.remove("imageTags")
    }
    return result
  }
}
