import ControlAPI
import Logging
import ServiceLifecycle
import Threads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The daemon as a process: one per user.
public enum DaemonProcess {
  /// Runs until `quit`, SIGTERM or SIGINT.
  /// - - Throws: `.conflict` where a daemon of this user runs already, and what keeps the socket or the log from being
  ///   made.
  public static func run(paths: ControlPaths, logLevel: Logger.Level) async throws {
    umask(0o077)
    signal(SIGPIPE, SIG_IGN)
    try paths.prepare()
    // By hand in a terminal, problems show there.
    let file = try LogFile(paths: paths, takesStandardError: isatty(STDERR_FILENO) == 0)
    LoggingSystem.bootstrap { _ in FileLogHandler(file: file, level: logLevel) }
    let logger = Logger(label: "devtunnel")
    let openFiles = OpenFiles.raise()
    // A daemon that has just been told to quit may not be gone yet.
    let lock = try await DaemonLock(paths: paths, patience: .seconds(3))
    let server = try ControlServer(paths: paths, engine: try makeEngine(paths: paths, logger: logger), logger: logger)
    logger.info(
      "daemon started",
      metadata: [
        "pid": "\(getpid())", "version": "\(BuildVersion.current.version)", "socket": "\(paths.socket)",
        "open files": "\(openFiles)",
      ])
    let service = ServiceGroupConfiguration.ServiceConfiguration(
      service: server, successTerminationBehavior: .gracefullyShutdownGroup)
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
    logger.info("daemon ended", metadata: ["pid": "\(getpid())"])
    withExtendedLifetime(lock) {}
  }
}
