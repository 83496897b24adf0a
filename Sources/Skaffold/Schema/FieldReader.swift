import Manifests

/// Reads a configuration's fields and keeps everything that is wrong with them.
final class FieldReader {
  /// The treatment of a field.
  enum Field: Sendable {
    case read
    /// Skaffold's effect makes no difference here, or devtunnel has its own way. A warning says which.
    case ignored(String)
    /// Without it the loop would not do as the file says: an error.
    case unsupported(String)
    /// As unsupported, but of no matter to a command that does not build.
    case unbuildable(String)
    /// As unsupported, but of no matter to a command that does not deploy.
    case undeployable(String)
  }

  let version: SchemaVersion
  let environment: [String: String]
  /// True if files that only builds read must exist.
  let checksSources: Bool
  /// True if the objects go into a cluster.
  let deploys: Bool
  /// True if relative paths begin at the file's directory; false: where devtunnel was started.
  let countsFromFile: Bool
  /// nil: templates run no programs.
  let commands: TemplateCommands?
  private(set) var diagnostics: [Diagnostic] = []

  init(
    version: SchemaVersion, environment: [String: String], checksSources: Bool, deploys: Bool, countsFromFile: Bool,
    commands: TemplateCommands? = nil
  ) {
    self.checksSources = checksSources
    self.deploys = deploys
    self.countsFromFile = countsFromFile
    self.commands = commands
    self.version = version
    self.environment = environment
  }

  func report(_ diagnostic: Diagnostic) { diagnostics.append(diagnostic) }

  /// Returns the remedy for the most frequent fault of a path in a skaffold.yaml.
  func hint(_ path: String, _ base: String) -> String {
    if path.hasPrefix("/") { return "correct the path" }
    return countsFromFile
      ? "relative paths begin at the directory of this required file: correct the path"
      : "relative paths begin at the directory devtunnel is started in, \(base): "
        + "start it elsewhere, or correct the path"
  }

  /// Checks a mapping's keys against those of the schema.
  func check(_ node: YAMLNode?, _ fields: [String: Field]) {
    guard let node, let members = value(node, { node throws(InputError) in try node.members() }) else { return }
    for member in members where !member.value.isNull {
      let path = member.value.path
      switch fields[member.key] {
      case .read: break
      case .ignored(let why): report(Diagnostic(.warning, "ignored: \(why)", at: member.position, field: path))
      case .unbuildable where !checksSources: break
      case .undeployable where !deploys: break
      case .unsupported(let remedy), .unbuildable(let remedy), .undeployable(let remedy):
        report(Diagnostic(.error, "devtunnel does not support this", at: member.position, field: path, remedy: remedy))
      case nil:
        let known = fields.keys.sorted().joined(separator: ", ")
        report(
          Diagnostic(
            .error, "\(version) has no field '\(member.key)' here", at: member.position, field: path,
            remedy: "the fields are: \(known)"))
      }
    }
  }

  /// Reads a value; nil if the node is missing or wrong, and the fault is reported.
  func value<Value>(_ node: YAMLNode?, _ read: (YAMLNode) throws(InputError) -> Value) -> Value? {
    guard let node else { return nil }
    do {
      return try read(node)
    } catch {
      diagnostics += error.diagnostics
      return nil
    }
  }

  func string(_ node: YAMLNode?) -> String? { value(node) { node throws(InputError) in try node.string() } }
  func bool(_ node: YAMLNode?) -> Bool? { value(node) { node throws(InputError) in try node.bool() } }
  func strings(_ node: YAMLNode?) -> [String] { value(node) { node throws(InputError) in try node.strings() } ?? [] }
  func elements(_ node: YAMLNode?) -> [YAMLNode] {
    value(node) { node throws(InputError) in try node.elements() } ?? []
  }
  func members(_ node: YAMLNode?) -> [YAMLNode.Member] {
    value(node) { node throws(InputError) in try node.members() } ?? []
  }

  /// Reads a text that must be present.
  func required(_ parent: YAMLNode, _ key: String) -> String? {
    guard let node = parent[key] else {
      report(parent.error("\(key) is missing", remedy: "write \(key): …"))
      return nil
    }
    return string(node)
  }

  /// Reads a text and fills in its template.
  /// - Parameter extra: variables in addition to the environment's.
  func expanded(_ node: YAMLNode?, extra: [String: String] = [:]) -> String? {
    guard let node, let text = string(node) else { return nil }
    return expand(text, at: node, extra: extra)
  }

  /// Fills in a text's template; faults are not reported.
  func template(_ node: YAMLNode) throws(EnvTemplate.Problem) -> String {
    try EnvTemplate((try? node.string()) ?? "").expanded(environment, commands: commands)
  }

  func expand(_ text: String, at node: YAMLNode, extra: [String: String] = [:]) -> String? {
    do {
      return try EnvTemplate(text).expanded(environment.merging(extra) { $1 }, commands: commands)
    } catch {
      report(error.error(at: node.position, field: node.path))
      return nil
    }
  }
}
