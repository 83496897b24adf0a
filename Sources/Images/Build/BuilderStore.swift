/// The place that a builder keeps its images in.
public struct BuilderStore: Sendable, Hashable, CustomStringConvertible {
  public var kind: BuilderKind
  /// Global options that choose the store, before the subcommand: `--root DIR --runroot DIR --storage-driver vfs`.
  /// Empty for the user's own.
  public var arguments: [String]

  public init(_ kind: BuilderKind, arguments: [String] = []) {
    self.kind = kind
    self.arguments = arguments
  }

  public var description: String { ([kind.rawValue] + arguments).joined(separator: " ") }
}
