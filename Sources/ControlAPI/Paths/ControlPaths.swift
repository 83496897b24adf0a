#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The paths of the daemon's files. Each user has one daemon, so all are below the user's XDG directories.
///
/// Source: XDG Base Directory Specification 0.8. A variable that is unset or relative does not count.
public struct ControlPaths: Sendable, Hashable {
  /// Socket and locks; gone after a reboot.
  public var runtime: String
  /// Log and journal.
  public var state: String
  public var config: String

  public init(runtime: String, state: String, config: String) {
    self.runtime = runtime
    self.state = state
    self.config = config
  }

  public var socket: String { runtime + "/control.sock" }
  /// Held by the daemon as long as it lives.
  public var daemonLock: String { runtime + "/daemon.lock" }
  /// Held by a command while it starts the daemon.
  public var startLock: String { runtime + "/start.lock" }
  public var log: String { state + "/daemon.log" }
  public var oldLog: String { state + "/daemon.log.1" }
  /// The engine's own directory for changes that it must be able to undo.
  public var journal: String { state + "/journal" }
  /// The random id that distinguishes this installation from others of the same user and machine name.
  public var installation: String { state + "/installation" }
  public var settings: String { config + "/config.yaml" }

  /// Finds the paths of this user.
  /// - Parameter sessionDirectories: the folder in which login managers make a user's runtime directory.
  public init(environment: [String: String], uid: UInt32 = geteuid(), sessionDirectories: String = "/run/user") {
    func absolute(_ name: String) -> String? { environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil } }
    let home = absolute("HOME") ?? ControlPaths.home(of: uid)
    let session = "\(sessionDirectories)/\(uid)"
    if let named = absolute("XDG_RUNTIME_DIR") {
      runtime = named + "/devtunnel"
    } else if FileKind.of(session) == .directory(owner: uid) {
      runtime = session + "/devtunnel"
    } else {
      runtime = (absolute("TMPDIR") ?? "/tmp") + "/devtunnel-\(uid)"
    }
    state = (absolute("XDG_STATE_HOME") ?? home + "/.local/state") + "/devtunnel"
    config = (absolute("XDG_CONFIG_HOME") ?? home + "/.config") + "/devtunnel"
  }

  private static func home(of uid: UInt32) -> String {
    guard let entry = getpwuid(uid), let directory = entry.pointee.pw_dir else { return "/" }
    return String(cString: directory)
  }

  /// Makes the runtime and the state directory, both with mode 0700.
  /// - Throws: `.refused` if the runtime directory is someone else's or open to others: a socket there could be
  ///   replaced.
  public func prepare(uid: UInt32 = geteuid()) throws(ControlError) {
    try makeDirectory(runtime)
    try makeDirectory(state)
    guard FileKind.of(runtime) == .directory(owner: uid) else {
      throw ControlError(
        .refused, "\(runtime) does not belong to you, or is not a directory",
        remedy: "remove it, or set XDG_RUNTIME_DIR to a directory of your own")
    }
    guard chmod(runtime, 0o700) == 0 else { throw .system("cannot protect \(runtime)", -Int(errno)) }
  }

  /// Makes directories like `mkdir -p`, with mode 0700.
  private func makeDirectory(_ path: String) throws(ControlError) {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/" + part
      if mkdir(made, 0o700) == 0 || errno == EEXIST { continue }
      // An automounter or a read-only parent may answer with another error for an existing directory.
      let code = errno
      if FileKind.of(made) == nil { throw .system("cannot make the directory \(made)", -Int(code)) }
    }
  }
}

/// The kind of a path's file, without following a symbolic link.
enum FileKind: Equatable {
  case directory(owner: UInt32)
  case other

  static func of(_ path: String) -> FileKind? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT == S_IFDIR ? .directory(owner: status.st_uid) : .other
  }
}
