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
