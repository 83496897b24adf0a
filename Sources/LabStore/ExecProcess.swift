/// A command to be run in a container (the query parameters of `pods/exec`).
public struct ExecRequest: Sendable, Equatable {
  /// nil: the Pod's only container.
  public var container: String?
  public var command: [String]
  /// The streams that are wanted; the others are `/dev/null`.
  public var standardInput: Bool
  public var standardOutput: Bool
  public var standardError: Bool
  /// With a terminal its output and errors are one stream.
  public var hasTerminal: Bool

  public init(
    container: String? = nil, command: [String], standardInput: Bool = false, standardOutput: Bool = true,
    standardError: Bool = true,
    hasTerminal: Bool = false
  ) {
    self.container = container
    self.command = command
    self.standardInput = standardInput
    self.standardOutput = standardOutput
    self.standardError = standardError && !hasTerminal
    self.hasTerminal = hasTerminal
  }
}

/// A command that runs in a container. The descriptors are the near ends of its streams, nil where they were not asked
/// for; whoever gets this closes each of them.
public struct ExecProcess: Sendable {
  public var standardInput: Int32?
  public var standardOutput: Int32?
  public var standardError: Int32?
  /// Suspends until it has ended: the exit status, or 128 + signal. A descendant may still hold the streams.
  public var exitStatus: @Sendable () async -> Int
  /// Tells the terminal its size in characters; does nothing without one.
  public var resize: @Sendable (_ columns: UInt16, _ rows: UInt16) -> Void
  /// Ends it at once; fine where it has ended.
  public var kill: @Sendable () -> Void

  public init(
    standardInput: Int32?, standardOutput: Int32?, standardError: Int32?,
    exitStatus: @escaping @Sendable () async -> Int,
    resize: @escaping @Sendable (UInt16, UInt16) -> Void = { _, _ in }, kill: @escaping @Sendable () -> Void
  ) {
    self.standardInput = standardInput
    self.standardOutput = standardOutput
    self.standardError = standardError
    self.exitStatus = exitStatus
    self.resize = resize
    self.kill = kill
  }
}
