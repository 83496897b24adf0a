import Manifests

/// Reads `hooks`.
struct HookReader {
  let reader: FieldReader
  let workingDirectory: String

  /// Reads an artifact's hooks, which are commands without more.
  func hosts(_ node: YAMLNode?) -> Hooks { hooks(node) { self.hook($0, mayChange: false) } }

  /// Reads the hooks of a rendering: each item is a command on this machine, whose output may replace the objects.
  func rendering(_ node: YAMLNode?) -> Hooks {
    hooks(node) { item in
      reader.check(item, ["host": .read])
      return item["host"].flatMap { hook($0, mayChange: true) }
    }
  }

  /// Reads the hooks of a deployment or of a sync: each item is a command on this machine or in containers.
  /// - Parameter isNamed: true if an item names its containers; else they are those of the artifact.
  func steps(_ node: YAMLNode?, isNamed: Bool) -> StepHooks {
    reader.check(node, ["before": .read, "after": .read])
    func items(_ node: YAMLNode?) -> [Hook] {
      reader.elements(node).compactMap { item in
        reader.check(item, ["host": .read, "container": .read])
        if let node = item["container"] { return container(node, isNamed: isNamed).map(Hook.container) }
        guard let node = item["host"] else {
          reader.report(item.error("the hook has neither host nor container", remedy: "write one of them"))
          return nil
        }
        return hook(node, mayChange: false).map(Hook.host)
      }
    }
    return StepHooks(before: items(node?["before"]), after: items(node?["after"]))
  }

  private func container(_ node: YAMLNode, isNamed: Bool) -> ContainerHook? {
    reader.check(
      node, isNamed ? ["command": .read, "podName": .read, "containerName": .read] : ["command": .read])
    guard let command = command(node) else { return nil }
    return ContainerHook(
      command: command, pod: isNamed ? reader.required(node, "podName") : nil,
      container: isNamed ? reader.string(node["containerName"]) : nil, position: node.position)
  }

  private func command(_ node: YAMLNode) -> [String]? {
    let command = reader.strings(node["command"])
    if command.isEmpty {
      reader.report((node["command"] ?? node).error("the hook has no command", remedy: "write command: [PROGRAM, …]"))
    }
    return command.isEmpty ? nil : command
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
    guard let command = command(node) else { return nil }
    return HostHook(
      command: command, systems: reader.strings(node["os"]),
      directory: Paths.absolute(reader.string(node["dir"]) ?? workingDirectory, in: workingDirectory),
      changesObjects: reader.bool(node["withChange"]) ?? false, position: node.position)
  }
}
