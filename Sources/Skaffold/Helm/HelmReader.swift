import Manifests

/// Reads `manifests.helm` and `deploy.helm`.
struct HelmReader {
  let reader: FieldReader
  let workingDirectory: String
  /// The repository.
  let root: String

  /// Returns the releases of both sections, each name once, as Skaffold does: those of `manifests.helm` first.
  func read(manifests: YAMLNode?, deploy: YAMLNode?) -> [HelmRelease] {
    let own = "devtunnel renders charts, and applies what they contain by itself"
    reader.check(manifests, ["releases": .read, "flags": .read])
    reader.check(
      deploy,
      [
        "releases": .read, "flags": .read, "hooks": .read,
        "concurrency": .ignored(own),
      ])
    let rendered = releases(manifests)
    let deployed = releases(deploy)
    let deployedNames = Set(deployed.map(\.name))
    var result = rendered.map { release in
      var release = release
      // Before skaffold/v3alpha1 one section was both.
      release.isDeployed = deployedNames.contains(release.name)
      return release
    }
    let names = Set(rendered.map(\.name))
    for var release in deployed where !names.contains(release.name) {
      release.isDeployed = true
      result.append(release)
    }
    checkDependencies(result)
    return result
  }

  private func releases(_ section: YAMLNode?) -> [HelmRelease] {
    let flags = flags(section?["flags"])
    return reader.elements(section?["releases"]).compactMap { node in
      var release = release(node)
      release?.flags = flags
      return release
    }
  }

  private func flags(_ node: YAMLNode?) -> HelmFlags {
    let own = "devtunnel renders charts, and applies what they contain by itself"
    reader.check(
      node, ["global": .read, "template": .read, "install": .read, "upgrade": .ignored(own), "depBuild": .read])
    return HelmFlags(
      global: placed(node?["global"]), template: placed(node?["template"]), install: placed(node?["install"]),
      dependencyBuild: placed(node?["depBuild"]))
  }

  private func placed(_ node: YAMLNode?) -> [HelmRelease.Placed] {
    reader.elements(node).compactMap { element in
      reader.string(element).map { HelmRelease.Placed(text: $0, position: element.position) }
    }
  }

  private static let fields: [String: FieldReader.Field] = {
    let own = "devtunnel renders the chart: Pods are made again when their template changes"
    var fields: [String: FieldReader.Field] = [:]
    for name in [
      "name", "chartPath", "remoteChart", "remote", "valuesFiles", "namespace", "version", "setValues",
      "setValueTemplates", "setFiles", "createNamespace", "wait", "skipBuildDependencies", "skipTests",
      "useHelmSecrets", "repo", "upgradeOnChange", "overrides", "packaged", "dependsOn", "artifactOverrides", "values",
      "imageStrategy",
    ] { fields[name] = .read }
    fields["recreatePods"] = .ignored(own)
    return fields
  }()

  private func release(_ node: YAMLNode) -> HelmRelease? {
    reader.check(node, Self.fields)
    guard let nameNode = node["name"], let name = reader.expanded(nameNode) else {
      if node["name"] == nil { _ = reader.required(node, "name") }
      return nil
    }
    guard Self.isName(name) else {
      reader.report(
        nameNode.error(
          "'\(name)' is no name that helm takes",
          remedy: "use lowercase letters, digits, '-' and '.', at most \(Self.longestName) characters"))
      return nil
    }
    guard let chart = chart(node) else { return nil }
    var release = HelmRelease(name: name, chart: chart, root: root, position: node.position)
    release.version = argument(node["version"])
    release.repo = argument(node["repo"])
    release.valuesFiles = reader.elements(node["valuesFiles"]).compactMap { element in
      reader.string(element).map { HelmRelease.Placed(text: path($0), position: element.position) }
    }
    release.setValues = settings(node["setValues"])
    release.setValueTemplates = settings(node["setValueTemplates"])
    for key in ["artifactOverrides", "values"] {
      release.setValueTemplates += overrides(node[key], strategy: node["imageStrategy"])
    }
    release.setFiles = settings(node["setFiles"]).map { setting in
      var setting = setting
      setting.value = path(setting.value)
      return setting
    }
    if let overrides = node["overrides"], case .mapping(let members) = overrides.content, !members.isEmpty {
      release.overrides = YAMLWriter.yaml([overrides])
    }
    release.namespace = argument(node["namespace"]).flatMap { $0.isEmpty ? nil : $0 }
    release.skipsTests = reader.bool(node["skipTests"]) ?? false
    release.skipsDependencies = reader.bool(node["skipBuildDependencies"]) ?? false
    release.usesSecrets = reader.bool(node["useHelmSecrets"]) ?? false
    for flag in ["createNamespace", "wait", "upgradeOnChange", "remote"] { _ = reader.bool(node[flag]) }
    if let packaged = node["packaged"] {
      reader.check(packaged, ["version": .read, "appVersion": .read])
      release.packaged = .init(
        version: reader.expanded(packaged["version"]), appVersion: reader.expanded(packaged["appVersion"]))
    }
    release.dependsOn = placed(node["dependsOn"])
    return release
  }

  private func chart(_ node: YAMLNode) -> HelmRelease.Chart? {
    let isRemote = reader.bool(node["remote"]) ?? false
    switch (node["chartPath"], node["remoteChart"]) {
    case (let path?, nil):
      guard let text = isRemote ? argument(path) : reader.expanded(path) else { return nil }
      if isRemote { return .remote(text) }
      return .local(self.path(text))
    case (nil, let remote?):
      return reader.string(remote).flatMap { checked($0, remote) }.map(HelmRelease.Chart.remote)
    case (nil, nil): reader.report(node.error("the release has no chart", remedy: "write chartPath: or remoteChart:"))
    case (_?, let remote?):
      reader.report(remote.error("a release has one chart", remedy: "keep chartPath or remoteChart"))
    }
    return nil
  }

  private func path(_ text: String) -> String {
    if text.hasPrefix("~/") { return (reader.environment["HOME"] ?? "~") + text.dropFirst() }
    return Paths.isURL(text) || text.contains("://") ? text : Paths.absolute(text, in: workingDirectory)
  }

  // MARK: Arguments

  private static let longestName = 53

  /// Checks the characters and the length that Helm's names have, by bytes: another could be read as an option.
  static func isName(_ text: String) -> Bool {
    func isLetterOrDigit(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= longestName else { return false }
    return isLetterOrDigit(first) && isLetterOrDigit(last)
      && text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
  }

  /// Reads a text that helm gets as an argument, and fills in its template.
  private func argument(_ node: YAMLNode?) -> String? {
    guard let node, let text = reader.expanded(node) else { return nil }
    return checked(text, node)
  }

  /// Refuses a text that helm would read as an option, or that no argument can hold.
  private func checked(_ text: String, _ node: YAMLNode) -> String? {
    guard text.utf8.first != UInt8(ascii: "-"), !text.utf8.contains(0) else {
      reader.report(
        node.error("helm would read '\(text)' as an option", remedy: "correct it: it does not begin with '-'"))
      return nil
    }
    return text
  }

  // MARK: Values

  /// Flattens mappings and lists into Helm's names: `a.b[0].c`.
  private func settings(_ node: YAMLNode?) -> [HelmRelease.Setting] {
    guard let node else { return [] }
    var settings: [HelmRelease.Setting] = []
    func add(_ node: YAMLNode, _ name: String) {
      switch node.content {
      case .scalar(let text, _):
        settings.append(.init(name: name, value: node.isNull ? "null" : text, position: node.position))
      case .sequence(let elements):
        for (index, element) in elements.enumerated() { add(element, "\(name)[\(index)]") }
      case .mapping(let members): for member in members { add(member.value, name + "." + member.key) }
      }
    }
    for member in reader.members(node) { add(member.value, member.key) }
    return settings.sorted { $0.name < $1.name }
  }

  /// Images of old schemas as templates, as Skaffold upgrades them (pkg/skaffold/schema/v2beta29/upgrade.go).
  private func overrides(_ node: YAMLNode?, strategy: YAMLNode?) -> [HelmRelease.Setting] {
    guard node != nil else { return [] }
    reader.check(strategy, ["fqn": .read, "helm": .read])
    reader.check(strategy?["fqn"], ["property": .read])
    reader.check(strategy?["helm"], ["explicitRegistry": .read])
    let isHelm = strategy?.member("helm") != nil
    let hasRegistry = reader.bool(strategy?["helm"]?["explicitRegistry"]) ?? false
    return settings(node).flatMap { setting -> [HelmRelease.Setting] in
      let image = HelmImages.sanitized(setting.value)
      func value(_ suffix: String, _ template: String) -> HelmRelease.Setting {
        .init(name: setting.name + suffix, value: template, position: setting.position)
      }
      guard isHelm else { return [value("", "{{.IMAGE_FULLY_QUALIFIED_\(image)}}")] }
      let tag = value(".tag", "{{.IMAGE_TAG_\(image)}}@{{.IMAGE_DIGEST_\(image)}}")
      guard hasRegistry else { return [tag, value(".repository", "{{.IMAGE_REPO_\(image)}}")] }
      return [
        tag, value(".registry", "{{.IMAGE_DOMAIN_\(image)}}"),
        value(".repository", "{{.IMAGE_REPO_NO_DOMAIN_\(image)}}"),
      ]
    }
  }

  // MARK: Order

  private func checkDependencies(_ releases: [HelmRelease]) {
    var byName: [String: HelmRelease] = [:]
    for release in releases {
      // Helm keeps one release of a name in a namespace; objects alone may come twice.
      if let other = byName.updateValue(release, forKey: release.name), release.isDeployed {
        report(
          "another release is called \(release.name)" + (other.position.map { " (\($0))" } ?? ""), release.position,
          "give each its own name")
      }
    }
    for release in releases {
      for dependency in release.dependsOn where byName[dependency.text] == nil {
        report("no release is called \(dependency.text)", dependency.position, "correct the name, or add the release")
      }
    }
    if let circle = Self.circle(releases) {
      let first = byName[circle[0]]
      report(
        "releases depend on each other: \(circle.joined(separator: " → "))",
        first?.dependsOn.first?.position ?? first?.position, "remove one dependency")
    }
    if let dependency = releases.lazy.flatMap(\.dependsOn).first {
      reader.report(
        Diagnostic(
          .warning, "ignored: the objects of all releases are applied together", at: dependency.position,
          field: "dependsOn"))
    }
  }

  private func report(_ message: String, _ position: SourcePosition?, _ remedy: String) {
    reader.report(Diagnostic(.error, message, at: position, field: "helm.releases", remedy: remedy))
  }

  /// Returns the names along a circle, its first one at both ends.
  private static func circle(_ releases: [HelmRelease]) -> [String]? {
    let dependencies = Dictionary(releases.map { ($0.name, $0.dependsOn.map(\.text)) }, uniquingKeysWith: { $1 })
    return Circle.first(from: releases.map(\.name)) { dependencies[$0] ?? [] }
  }
}
