import ControlAPI
import Logging
import Threads
import UnixSignals

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The daemon as a process; each user has one.
public enum DaemonProcess {
  /// Runs until `quit`, SIGTERM or SIGINT.
  /// - Throws: `.conflict` if a daemon of this user runs already; other errors if the socket or the log cannot be made.
  public static func run(paths: ControlPaths, logLevel: Logger.Level) async throws {
    umask(0o077)
    signal(SIGPIPE, SIG_IGN)
    try paths.prepare()
    // A daemon started by hand in a terminal shows its problems there.
    let file = try LogFile(paths: paths, takesStandardError: isatty(STDERR_FILENO) == 0)
    LoggingSystem.bootstrap { _ in FileLogHandler(file: file, level: logLevel) }
    let logger = Logger(label: "devtunnel")
    let openFiles = OpenFiles.raise()
    // A daemon that is quitting may still hold the lock.
    let lock = try await DaemonLock(paths: paths, patience: .seconds(3))
    let server = try ControlServer(paths: paths, engine: try makeEngine(paths: paths, logger: logger), logger: logger)
    logger.info(
      "daemon started",
      metadata: [
        "pid": "\(getpid())", "version": "\(BuildVersion.current.version)", "socket": "\(paths.socket)",
        "open files": "\(openFiles)",
      ])
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    let watch = Task {
      for await signal in signals {
        logger.info("a signal ends the daemon", metadata: ["signal": "\(signal)"])
        server.stop()
      }
    }
    await server.run()
    watch.cancel()
    logger.info("daemon ended", metadata: ["pid": "\(getpid())"])
    withExtendedLifetime(lock) {}
  }
}
