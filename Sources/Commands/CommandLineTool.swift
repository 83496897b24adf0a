import ArgumentParser
import ControlAPI
import DevLoop
import Synchronization
import UnixSignals

/// The process of a command: parses, runs, and turns the outcome into an exit status.
public enum CommandLineTool {
  /// Runs the command line, and ends the process with its status.
  public static func main() async -> Never { await main(Devtunnel.self) }

  /// Runs the command line of another program of ours.
  package static func main(_ root: any AsyncParsableCommand.Type) async -> Never { Exit.now(await run(root)) }

  /// Parses and runs the command.
  /// - Returns: the exit status: 0 done, 1 failed, 2 wrong usage, 130 or 143 ended by SIGINT or SIGTERM.
  private static func run(_ root: any AsyncParsableCommand.Type) async -> Int32 {
    let interruption = Mutex<Int32?>(nil)
    let (parsed, whenParsed) = AsyncStream<Void>.makeStream()
    let work = Task { () -> Int32 in
      do {
        var command = try await root.asyncParseAsRoot()
        if !(command is any HandlesSignals) { whenParsed.yield() }
        if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        return 0
      } catch {
        return report(error, root)
      }
    }
    let signals = Task {
      guard await parsed.first(where: { _ in true }) != nil else { return }
      for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
        let status: Int32 = signal == .sigterm ? 143 : 130
        // A second Ctrl-C means not to wait until all is undone; the daemon undoes it nevertheless.
        if interruption.withLock({ $0 != nil }) { Exit.now(status) }
        interruption.withLock { $0 = status }
        work.cancel()
      }
    }
    let status = await work.value
    signals.cancel()
    return status == unfinished ? 1 : interruption.withLock { $0 } ?? status
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
