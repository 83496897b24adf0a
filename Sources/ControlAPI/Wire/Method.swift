/// A method that a command can call, by its name on the wire.
public enum Method: String, Codable, Sendable, CaseIterable {
  case intercept, explain, leave, forward, stopForward, shell, connect, connectHost, disconnect, answer, list, status,
    watchStatus, requests, restore, doctor, way, quit

  /// True if a daemon of another version answers as well: as needed to see it and to end it.
  public var anyVersion: Bool { self == .status || self == .quit }
}

/// The parameters or the result of a method that has none.
public struct Nothing: Codable, Sendable, Hashable {
  public init() {}
}
