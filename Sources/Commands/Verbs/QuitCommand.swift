import ArgumentParser
import ControlAPI

struct QuitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quit", abstract: "Ends everything, and the daemon.",
    discussion: "Leaves every intercept, closes every forward, and returns once the daemon is gone.")

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func run() async throws {
    let context = try CommandContext(global)
    guard let client = try ControlClient.ofRunningDaemon(paths: context.paths) else {
      // A daemon may still be undoing, or its socket may have been removed.
      do throws(ControlError) {
        _ = try await DaemonLock(paths: context.paths, patience: .seconds(5))
      } catch {
        if error.code == .conflict { throw error }
      }
      Terminal.error.line("No daemon runs.")
      return
    }
    let outcome: Result<Nothing, ControlError>
    do throws(ControlError) {
      outcome = .success(try await context.call(client, QuitRequest(), task: "ending everything…"))
    } catch {
      outcome = .failure(error)
    }
    if case .failure(let error) = outcome, error.code != .incomplete { throw error }
    // Until it has ended, the next command could not start another one.
    _ = try await DaemonLock(paths: context.paths, patience: .seconds(5))
    _ = try outcome.get()
  }
}
