import Manifests

/// Reads one configuration, its profiles applied, into a `DevConfiguration`.
struct ConfigurationReader {
  let reader: FieldReader
  /// Absolute.
  let workingDirectory: String
  let defaultRepository: String?
  /// The root; see `Repository`.
  let repository: String

  /// The sections of a pipeline, which a profile may have too.
  static func sections(_ version: SchemaVersion) -> [String: FieldReader.Field] {
    [
      "build": .read, "deploy": .read, "manifests": .read, "portForward": .read,
      "test": .ignored("devtunnel runs no tests of images"),
      "verify": .ignored("devtunnel runs no verification"),
      "customActions": .ignored("devtunnel runs no custom actions"),
      "resourceSelector": .ignored("devtunnel changes images in every kind of object"),
    ]
  }

  func read(_ root: YAMLNode) -> DevConfiguration {
    var fields: [String: FieldReader.Field] = [
      "apiVersion": .read, "kind": .read, "metadata": .read, "profiles": .read,
      "requires": .read,
    ]
    fields.merge(Self.sections(reader.version)) { $1 }
    // Keys that begin with a dot are for anchors only.
    if case .mapping(let members) = root.content {
      for member in members where member.key.hasPrefix(".") { fields[member.key] = .read }
    }
    reader.check(root, fields)
    reader.check(
      root["metadata"],
      ["name": .read, "labels": .ignored("they are for people"), "annotations": .ignored("they are for people")])
    let build = BuildReader(reader: reader, workingDirectory: workingDirectory, defaultRepository: defaultRepository)
    var configuration = DevConfiguration(name: reader.string(root["metadata"]?["name"]))
    build.read(root["build"], into: &configuration)
    readDeploy(root["deploy"], into: &configuration)
    configuration.manifests = ManifestsReader(reader: reader, workingDirectory: workingDirectory, root: repository)
      .read(root["manifests"])
    configuration.manifests.mayBeDefault = !["docker", "cloudrun", "kpt"].contains { root["deploy"]?.member($0) != nil }
    configuration.manifests.helm = HelmReader(
      reader: reader, workingDirectory: workingDirectory, root: repository
    ).read(manifests: root["manifests"]?["helm"], deploy: root["deploy"]?["helm"])
    configuration.portForwards = reader.elements(root["portForward"]).compactMap(portForward)
    return configuration
  }

  private func readDeploy(_ deploy: YAMLNode?, into configuration: inout DevConfiguration) {
    let own = "devtunnel deploys by server-side apply, and waits and logs its own way"
    var fields: [String: FieldReader.Field] = [
      "kubectl": .read, "kubeContext": .read, "logs": .ignored(own), "statusCheck": .ignored(own),
      "statusCheckDeadlineSeconds": .ignored(own),
      "tolerateFailuresUntilDeadline": .ignored(own),
      "helm": .read,
      "kpt": .unsupported("render it, and name the result under rawYaml"),
      "docker": .undeployable("devtunnel deploys to Kubernetes only"),
      "cloudrun": .undeployable("devtunnel deploys to Kubernetes only"),
    ]
    if !reader.version.hasManifestsSection { fields["kustomizeDeploy"] = .read }
    reader.check(deploy, fields)
    let deployer: [String: FieldReader.Field] = [
      "flags": .ignored(own), "defaultNamespace": .read, "hooks": .read,
      "remoteManifests": .unsupported("devtunnel deploys what these files say; take the objects into them"),
    ]
    let hookReader = HookReader(reader: reader, workingDirectory: workingDirectory)
    for section in [deploy?["kubectl"], deploy?["kustomizeDeploy"], deploy?["helm"]] {
      let hooks = hookReader.steps(section?["hooks"], isNamed: true)
      configuration.deployHooks.before += hooks.before
      configuration.deployHooks.after += hooks.after
    }
    for section in [deploy?["kubectl"], deploy?["kustomizeDeploy"]] {
      reader.check(section, deployer)
      // A variable of the deployment need not be set where nothing is deployed.
      guard let node = section?["defaultNamespace"] else { continue }
      let isMissing = !reader.deploys && (try? reader.template(node)) == nil
      if !isMissing, let namespace = reader.expanded(node) { configuration.defaultNamespace = namespace }
    }
    configuration.kubeContext = reader.string(deploy?["kubeContext"])
  }

  private func portForward(_ node: YAMLNode) -> PortForwardRule? {
    reader.check(
      node,
      [
        "resourceType": .read, "resourceName": .read, "namespace": .read, "port": .read, "localPort": .read,
        "address": .read,
      ])
    guard let type = reader.required(node, "resourceType"), let name = reader.required(node, "resourceName"),
      let port = reader.required(node, "port")
    else {
      return nil
    }
    var rule = PortForwardRule(
      resourceType: type, resourceName: reader.expand(name, at: node["resourceName"] ?? node) ?? name, port: port)
    rule.namespace = reader.expanded(node["namespace"])
    rule.address = reader.string(node["address"])
    for (key, field) in [("port", node["port"]), ("localPort", node["localPort"])] {
      guard let field, let text = reader.string(field) else { continue }
      let number = Int(text)
      if let number, (1...65535).contains(number) {
        if key == "localPort" { rule.localPort = UInt16(number) }
      } else if number != nil || key == "localPort" {
        reader.report(
          field.error(
            "'\(text)' is no port",
            remedy: "write a number from 1 to 65535" + (key == "port" ? ", or the port's name" : "")))
      }
    }
    return rule
  }
}
