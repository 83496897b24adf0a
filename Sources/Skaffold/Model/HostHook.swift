import Inputs
import Manifests

/// A command on this machine, before or after a step (`hooks`, its items `host`).
public struct HostHook: Sendable, Hashable {
  /// The program and its arguments.
  public var command: [String]
  /// The systems it is for, by Go's names; empty: all.
  public var systems: [String]
  /// It starts there; absolute.
  public var directory: String
  /// True if its output replaces the objects that it got (`withChange`, after a rendering).
  public var changesObjects: Bool
  public var position: SourcePosition?

  public init(
    command: [String], systems: [String] = [], directory: String, changesObjects: Bool = false,
    position: SourcePosition? = nil
  ) {
    self.command = command
    self.systems = systems
    self.directory = directory
    self.changesObjects = changesObjects
    self.position = position
  }

  /// False if it is for other systems only.
  public var isForThisSystem: Bool { systems.isEmpty || systems.contains("linux") }

  /// The identity for the user's trust: each word as it is, and where it runs.
  var key: String { "hook \(Words.text(command)) in \(Words.text([directory]))" }

  /// For the user: `make schema`.
  public var text: String { command.joined(separator: " ") }
}

/// The commands around a step.
public struct Hooks: Sendable, Hashable {
  public var before: [HostHook]
  public var after: [HostHook]

  public init(before: [HostHook] = [], after: [HostHook] = []) {
    self.before = before
    self.after = after
  }
}

/// A command in running containers, before or after a deployment or a sync (`hooks`, its items `container`).
public struct ContainerHook: Sendable, Hashable {
  /// The program and its arguments.
  public var command: [String]
  /// A pattern for the Pod's name (`podName`); nil: any.
  public var pod: String?
  /// A pattern for the container's name (`containerName`); nil: any.
  public var container: String?
  public var position: SourcePosition?

  public init(command: [String], pod: String? = nil, container: String? = nil, position: SourcePosition? = nil) {
    self.command = command
    self.pod = pod
    self.container = container
    self.position = position
  }

  /// For the user: `nginx -s reload`.
  public var text: String { command.joined(separator: " ") }

  /// Checks the names of a container against the patterns (Go's path.Match).
  public func matches(pod name: String, container other: String) -> Bool {
    func matches(_ pattern: String?, _ name: String) -> Bool {
      guard let pattern, !pattern.isEmpty else { return true }
      return (Inputs.Glob(pattern, .docker) ?? Inputs.Glob(literal: pattern)).matches(name)
    }
    return matches(pod, name) && matches(container, other)
  }
}

/// A hook of a deployment or a sync.
public enum Hook: Sendable, Hashable {
  case host(HostHook)
  case container(ContainerHook)
}

/// The hooks around a deployment or a sync.
public struct StepHooks: Sendable, Hashable {
  public var before: [Hook]
  public var after: [Hook]

  public init(before: [Hook] = [], after: [Hook] = []) {
    self.before = before
    self.after = after
  }

  public var isEmpty: Bool { before.isEmpty && after.isEmpty }
}
