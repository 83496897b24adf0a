import ArgumentParser
import ControlAPI
import DevLoop
import Glibc
import Synchronization
import UnixSignals

/// The process of a command: parses, runs, and turns the outcome into an exit status.
public enum CommandLineTool {
  /// Runs the command line, and ends the process with its status.
  public static func main() async -> Never { await main(Devtunnel.self) }

  /// Runs the command line of another program of ours.
  package static func main(_ root: any AsyncParsableCommand.Type) async -> Never { Exit.now(await run(root)) }

  /// Parses and runs the command.
  /// - Returns: the exit status: 0 done, 1 failed, 2 wrong usage, 129, 130 or 143 ended by SIGHUP, SIGINT or SIGTERM.
  private static func run(_ root: any AsyncParsableCommand.Type) async -> Int32 {
    let interruption = Mutex(Interruption())
    let (parsed, whenParsed) = AsyncStream<Void>.makeStream()
    let work = Task { () -> Int32 in
      do {
        var command = try await root.asyncParseAsRoot(RuleArguments.completed(CommandLine.arguments.dropFirst()))
        if !(command is any HandlesSignals) { whenParsed.yield() }
        if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        return 0
      } catch {
        return report(error, root)
      }
    }
    let signals = Task {
      guard await parsed.first(where: { _ in true }) != nil else { return }
      for await signal in await UnixSignalsSequence(trapping: ends) {
        switch interruption.withLock({ $0.take(signal) }) {
        case .cancel: work.cancel()
        case .end(let status): Exit.now(status)
        case .nothing: break
        }
      }
    }
    let status = await work.value
    signals.cancel()
    return status == unfinished ? 1 : interruption.withLock { $0.status } ?? status
  }

  /// The signals that end a command: SIGHUP too, unless the command is to live on without its terminal (nohup).
  private static var ends: [UnixSignal] {
    var action = sigaction()
    let isIgnored =
      sigaction(SIGHUP, nil, &action) == 0
      && unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    return isIgnored ? [.sigint, .sigterm] : [.sigint, .sigterm, .sighup]
  }

  /// Not an exit status: an interruption that leaves something in the cluster is a failure.
  private static let unfinished: Int32 = -1

  private static func report(_ error: any Error, _ root: any AsyncParsableCommand.Type) -> Int32 {
    switch error {
    case let error as ControlError:
      ErrorOutput.write(error)
      return error.code == .incomplete ? unfinished : 1
    case let error as LoopError:
      ErrorOutput.write(ControlError(error))
      return error.stage == .cleaningUp ? unfinished : 1
    case is CancellationError:
      return 1
    case let code as ExitCode:
      return code.rawValue
    default:
      let code = root.exitCode(for: error)
      if code == .success {
        Terminal.output.line(root.fullMessage(for: error))
        return 0
      }
      Terminal.error.line(ErrorOutput.usage(root.fullMessage(for: error)))
      return 2
    }
  }
}

/// A command that handles SIGINT and SIGTERM itself.
package protocol HandlesSignals {}
