import Manifests

/// Reads `hooks`.
struct HookReader {
  let reader: FieldReader
  let workingDirectory: String

  /// Reads an artifact's hooks, which are commands without more.
  func hosts(_ node: YAMLNode?) -> Hooks { hooks(node) { self.hook($0, mayChange: false) } }

  /// Reads the hooks of a deployment or of a rendering: each item is a command on this machine or in a container.
  /// - Parameter mayChange: whether a command's output may replace the objects.
  func items(_ node: YAMLNode?, mayChange: Bool) -> Hooks {
    hooks(node) { item in
      reader.check(
        item, ["host": .read, "container": .undeployable("use kubectl exec in a hook of this machine: host")])
      return item["host"].flatMap { hook($0, mayChange: mayChange) }
    }
  }

  private func hooks(_ node: YAMLNode?, _ read: (YAMLNode) -> HostHook?) -> Hooks {
    reader.check(node, ["before": .read, "after": .read])
    return Hooks(
      before: reader.elements(node?["before"]).compactMap(read), after: reader.elements(node?["after"]).compactMap(read)
    )
  }

  private func hook(_ node: YAMLNode, mayChange: Bool) -> HostHook? {
    var fields: [String: FieldReader.Field] = ["command": .read, "os": .read, "dir": .read]
    if mayChange { fields["withChange"] = .read }
    reader.check(node, fields)
    let command = reader.strings(node["command"])
    guard !command.isEmpty else {
      reader.report((node["command"] ?? node).error("the hook has no command", remedy: "write command: [PROGRAM, …]"))
      return nil
    }
    return HostHook(
      command: command, systems: reader.strings(node["os"]),
      directory: Paths.absolute(reader.string(node["dir"]) ?? workingDirectory, in: workingDirectory),
      changesObjects: reader.bool(node["withChange"]) ?? false, position: node.position)
  }
}
