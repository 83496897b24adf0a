import ArgumentParser
import ControlAPI
import FoundationEssentials
import Logging

/// The values that a command needs to reach the daemon: paths, settings, and the way to start it.
package struct CommandContext: Sendable {
  let paths: ControlPaths
  let settings: Settings
  let verbose: Bool
  /// The SSH host of the command's cluster.
  private let bastion: BastionSelection?
  private let logLevel: Logger.Level

  package init(_ options: GlobalOptions) throws(ControlError) {
    paths = ControlPaths(environment: ProcessInfo.processInfo.environment)
    settings = try SettingsFile.load(paths.settings)
    verbose = options.verbose
    bastion = options.cluster(settings).bastion
    logLevel = options.logLevel ?? (options.verbose ? .debug : settings.logLevel ?? .info)
  }

  /// Makes a client of the daemon; its first call starts the daemon if none runs.
  func client() -> ControlClient {
    let start = DaemonStarter.program(["daemon", "run", "--log-level", logLevel.rawValue])
    return ControlClient(starter: DaemonStarter(paths: paths, start: start))
  }

  /// Calls the daemon, started if none runs, and shows progress meanwhile.
  /// - Parameter task: the text to show until the daemon reports progress.
  func call<Request: ControlRequest>(
    _ request: Request, task: String, holding: (@Sendable (Request.Reply) -> Void)? = nil
  ) async throws(ControlError) -> Request.Reply {
    let client = client()
    var questions = 0
    while true {
      do throws(ControlError) {
        return try await call(client, request, task: task, holding: holding)
      } catch {
        // Allow a key, then passphrases, and a wrong one or two.
        guard let question = error.question, let bastion, questions < 5,
          let answer = BastionPrompt.ask(question, error, bastion)
        else { throw error }
        questions += 1
        _ = try await call(client, answer, task: task)
      }
    }
  }

  func call<Request: ControlRequest>(
    _ client: ControlClient, _ request: Request, task: String, holding: (@Sendable (Request.Reply) -> Void)? = nil
  ) async throws(ControlError) -> Request.Reply {
    let line = ProgressLine(task, verbose: verbose)
    defer { line.end() }
    var held: (@Sendable (Request.Reply) -> Void)?
    if let holding {
      held = { result in
        line.end()
        holding(result)
      }
    }
    let outcome = await withTaskCancellationHandler { [held] in
      do throws(ControlError) {
        return Result<Request.Reply, ControlError>.success(
          try await client.call(request, progress: { line.take($0) }, holding: held))
      } catch {
        return .failure(error)
      }
    } onCancel: {
      line.step("undoing…")
    }
    return try outcome.get()
  }

  /// Prints a result in the format of `--output` or the settings.
  /// - Parameter terminal: stderr if stdout carries something else.
  package func show<Report: Encodable>(
    _ report: Report, _ options: OutputOptions, on terminal: Terminal = .output, table: (Report) -> [String]
  ) throws(ControlError) {
    switch options.output ?? settings.output ?? .table {
    case .json: terminal.line(try JSONOutput.text(report))
    case .table: table(report).forEach(terminal.line)
    }
  }
}
