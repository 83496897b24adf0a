import Manifests

/// Reads `build`: artifacts and their tags.
struct BuildReader {
  let reader: FieldReader
  let workingDirectory: String
  let defaultRepository: String?

  func read(_ build: YAMLNode?, into configuration: inout DevConfiguration) {
    let localOnly = "devtunnel builds on this machine: use build.local, perhaps in a profile"
    reader.check(
      build,
      [
        "artifacts": .read, "tagPolicy": .read, "insecureRegistries": .read, "local": .read,
        "platforms": .ignored("images are built for this machine's platform"),
        "hooks": .unbuildable("write hooks: in the artifacts"), "googleCloudBuild": .unbuildable(localOnly),
        "cluster": .unbuildable(localOnly),
      ])
    let installedBuilder = "devtunnel uses the builder that is installed"
    reader.check(
      build?["local"],
      [
        "push": .read, "concurrency": .ignored("independent images are built side by side"),
        "tryImportMissing": .ignored(installedBuilder),
        "useDockerCLI": .ignored(installedBuilder),
        "useBuildkit": .ignored(installedBuilder),
      ])
    configuration.push = reader.bool(build?["local"]?["push"])
    configuration.insecureRegistries = reader.strings(build?["insecureRegistries"])
    configuration.tagPolicy = tagPolicy(build?["tagPolicy"])
    let artifacts = ArtifactReader(
      reader: reader, workingDirectory: workingDirectory, defaultRepository: defaultRepository)
    var nodes = reader.elements(build?["artifacts"])
    if nodes.count > Self.mostArtifacts {
      reader.report(
        nodes[Self.mostArtifacts].error(
          "there are more than \(Self.mostArtifacts) artifacts", remedy: "divide the file"))
      nodes.removeLast(nodes.count - Self.mostArtifacts)
    }
    configuration.artifacts = nodes.compactMap(artifacts.read)
    if configuration.artifacts.count > 1, reader.checksSources {
      checkWholeName(build?["tagPolicy"]?["envTemplate"]?["template"])
    }
  }

  private static let mostArtifacts = 500

  /// Reads the tag policy; without one it is `gitCommit`, as with Skaffold.
  private func tagPolicy(_ node: YAMLNode?) -> TagPolicy {
    reader.check(
      node,
      [
        "gitCommit": .read, "sha256": .read, "envTemplate": .read, "dateTime": .read, "inputDigest": .read,
        "customTemplate": .read,
      ])
    // The key alone chooses the policy: `sha256: {}` and a bare `sha256:` mean the same.
    guard case .mapping(let members)? = node?.content else { return .gitCommit(GitCommitTag()) }
    if members.count > 1, let node {
      reader.report(node.error("it has \(members.count) tag policies", remedy: "keep one"))
    }
    guard let member = members.last else { return .gitCommit(GitCommitTag()) }
    switch member.key {
    case "sha256": return .sha256
    case "inputDigest": return .inputDigest
    case "envTemplate":
      let policy = member.value
      reader.check(policy, ["template": .read])
      guard let text = reader.required(policy, "template") else { return .sha256 }
      checkTemplate(text, policy["template"] ?? policy)
      return .envTemplate(text, position: policy["template"]?.position)
    case "customTemplate": return customTemplate(member.value)
    case "dateTime":
      if !member.value.isNull { reader.check(member.value, ["format": .read, "timezone": .read]) }
      return .dateTime(format: reader.string(member.value["format"]), timezone: reader.string(member.value["timezone"]))
    default: return .gitCommit(gitCommit(member.value))
    }
  }

  /// Reads a template whose variables are other policies' tags.
  private func customTemplate(_ node: YAMLNode) -> TagPolicy {
    reader.check(node, ["template": .read, "components": .read])
    guard let template = reader.required(node, "template") else { return .sha256 }
    var components: [TagPolicy.Component] = []
    for component in reader.elements(node["components"]) {
      guard let name = reader.required(component, "name") else { continue }
      var fields: [String: FieldReader.Field] = ["name": .read]
      for policy in ["gitCommit", "sha256", "envTemplate", "dateTime", "inputDigest"] { fields[policy] = .read }
      reader.check(component, fields)
      components.append(TagPolicy.Component(name: name, policy: tagPolicy(component.without("name"))))
    }
    return .customTemplate(template, components, position: node["template"]?.position)
  }

  /// Reports an unset variable in a template now, and not when the first image is built.
  private func checkTemplate(_ text: String, _ node: YAMLNode) {
    guard reader.checksSources else { return }
    _ = reader.expand(text, at: node, extra: ["IMAGE_NAME": "image"])
  }

  /// Reports a template that gives all artifacts the same whole image name. A result with `:` or `/` is a whole name.
  private func checkWholeName(_ node: YAMLNode?) {
    guard let node, let template = try? EnvTemplate((try? node.string()) ?? "") else { return }
    func expanded(for image: String) -> String? {
      try? template.expanded(reader.environment.merging(["IMAGE_NAME": image]) { $1 })
    }
    guard let name = expanded(for: "one"), name.contains(where: { ":/".contains($0) }),
      name == expanded(for: "other")
    else { return }
    reader.report(
      node.error("every artifact would be called \(name)", remedy: "use {{.IMAGE_NAME}} in it, or leave the name out"))
  }

  private func gitCommit(_ node: YAMLNode) -> GitCommitTag {
    var tag = GitCommitTag()
    if node.isNull { return tag }
    reader.check(node, ["variant": .read, "prefix": .read, "ignoreChanges": .read])
    tag.prefix = reader.string(node["prefix"]) ?? ""
    tag.ignoreChanges = reader.bool(node["ignoreChanges"]) ?? false
    if let field = node["variant"], let text = reader.string(field) {
      if let variant = GitCommitTag.Variant.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) {
        tag.variant = variant
      } else {
        reader.report(
          field.error(
            "'\(text)' is no variant",
            remedy: "write one of \(GitCommitTag.Variant.allCases.map(\.rawValue).joined(separator: ", "))"))
      }
    }
    return tag
  }
}
