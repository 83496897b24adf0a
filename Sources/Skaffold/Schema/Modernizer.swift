import Manifests

/// Brings configurations from before skaffold/v3alpha1 into the later shape, as Skaffold itself does before it applies
/// profiles: manifests move from `deploy` to a section of their own. Nodes keep their original position and path.
enum Modernizer {
  /// - Parameter node: a configuration's or a profile's mapping.
  static func modernized(_ node: YAMLNode, _ version: SchemaVersion) -> YAMLNode {
    guard !version.hasManifestsSection, let deploy = node["deploy"], case .mapping = deploy.content else { return node }
    var manifests = YAMLNode(.mapping([]), position: deploy.position, path: deploy.path)
    var remaining = deploy
    if let kubectl = deploy["kubectl"], case .mapping = kubectl.content {
      if let raw = kubectl["manifests"] { manifests.set("rawYaml", raw) }
      remaining.set("kubectl", kubectl.without("manifests"))
    }
    if let kustomize = deploy.member("kustomize") {
      manifests.set("kustomize", sources(kustomize.value))
      remaining.remove("kustomize")
      remaining.set("kustomizeDeploy", kustomize.value.without("path").without("paths").without("buildArgs"))
    }
    // Charts were rendered and installed by one section.
    if let helm = deploy["helm"], case .mapping = helm.content {
      manifests.set("helm", helm.without("hooks").without("concurrency"))
    }
    var result = node
    result.set("deploy", remaining)
    if case .mapping(let members) = manifests.content, !members.isEmpty { result.set("manifests", manifests) }
    return result
  }

  /// Turns `path` (up to v2alpha2) into `paths`; without either it is the working directory.
  private static func sources(_ kustomize: YAMLNode) -> YAMLNode {
    var sources = YAMLNode(.mapping([]), position: kustomize.position, path: kustomize.path)
    let here = YAMLNode(.scalar(".", isPlain: true), position: kustomize.position, path: kustomize.path)
    if let paths = kustomize["paths"] {
      sources.set("paths", paths)
    } else {
      sources.set(
        "paths", YAMLNode(.sequence([kustomize["path"] ?? here]), position: kustomize.position, path: kustomize.path))
    }
    if let arguments = kustomize["buildArgs"] { sources.set("buildArgs", arguments) }
    return sources
  }

  /// Returns the new path of a profile's JSON patch.
  static func modernized(patchPath path: String, _ version: SchemaVersion) -> String {
    if version.hasManifestsSection { return path }
    for (old, new) in [
      ("/deploy/kubectl/manifests", "/manifests/rawYaml"), ("/deploy/kustomize/paths", "/manifests/kustomize/paths"),
      ("/deploy/kustomize/path", "/manifests/kustomize/paths/0"),
      ("/deploy/kustomize/buildArgs", "/manifests/kustomize/buildArgs"),
      ("/deploy/helm/releases", "/manifests/helm/releases"),
      ("/deploy/helm/flags", "/manifests/helm/flags"),
    ] where path == old || path.hasPrefix(old + "/") {
      return new + path.dropFirst(old.count)
    }
    return path
  }
}

extension YAMLNode {
  func member(_ key: String) -> Member? {
    guard case .mapping(let members) = content else { return nil }
    return members.last { $0.key == key }
  }

  /// Replaces or appends a member; a node that is no mapping becomes one.
  mutating func set(_ key: String, _ value: YAMLNode) {
    var members: [Member] = if case .mapping(let present) = content { present } else { [] }
    if let index = members.lastIndex(where: { $0.key == key }) {
      members[index].value = value
    } else {
      members.append(Member(key: key, position: value.position, value: value))
    }
    content = .mapping(members)
  }

  mutating func remove(_ key: String) { self = without(key) }

  func without(_ key: String) -> YAMLNode {
    guard case .mapping(let members) = content else { return self }
    return YAMLNode(.mapping(members.filter { $0.key != key }), position: position, path: path)
  }
}
