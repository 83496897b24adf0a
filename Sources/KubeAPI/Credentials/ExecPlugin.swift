import KubeObjects
import Subprocess
import Threads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A program that logs in (Kubernetes documentation, "client-go credential plugins";
/// client.authentication.k8s.io/v1 and v1beta1).
public struct ExecPlugin: Sendable, Hashable {
  public enum InteractiveMode: String, Sendable {
    case never = "Never"
    case ifAvailable = "IfAvailable"
    case always = "Always"
  }

  /// A name to find in PATH, or a path.
  public var command: String
  public var arguments: [String]
  public var environment: [String: String]
  public var apiVersion: String
  /// The kubeconfig's advice for a missing command.
  public var installHint: String
  public var interactiveMode: InteractiveMode
  /// `spec.cluster` of the plugin's input; nil to leave it out.
  public var cluster: JSONValue?
  /// The time limit if the user is not asked.
  public var timeout: Duration

  public init(
    command: String, arguments: [String] = [], environment: [String: String] = [:],
    apiVersion: String = "client.authentication.k8s.io/v1",
    installHint: String = "", interactiveMode: InteractiveMode = .ifAvailable, cluster: JSONValue? = nil,
    timeout: Duration = .seconds(60)
  ) {
    self.command = command
    self.arguments = arguments
    self.environment = environment
    self.apiVersion = apiVersion
    self.installHint = installHint
    self.interactiveMode = interactiveMode
    self.cluster = cluster
    self.timeout = timeout
  }

  /// - Throws: `KubeError.execPlugin` with the plugin's output.
  func run() async throws(KubeError) -> ExecCredential {
    let interactive = interactiveMode != .never && isatty(STDIN_FILENO) == 1
    if interactiveMode == .always, !interactive {
      throw failure(
        "needs to ask a person, but there is no terminal", "run a kubectl command in a terminal first, then try again")
    }
    let outcome = try await execute(interactive: interactive)
    guard outcome.succeeded else {
      let said = outcome.errors.trimmed
      throw failure(outcome.status + (said.isEmpty ? "" : ": \(said)"), installHint)
    }
    return try ExecCredential(parsing: outcome.output, of: self)
  }

  private struct Outcome: Sendable {
    var succeeded: Bool
    var status: String
    var output: String
    var errors: String
  }

  private func execute(interactive: Bool) async throws(KubeError) -> Outcome {
    var information: JSONValue = [
      "apiVersion": JSONValue(apiVersion), "kind": "ExecCredential", "spec": ["interactive": JSONValue(interactive)],
    ]
    if let cluster { information[path: "spec", "cluster"] = cluster }
    var changes: [Environment.Key: String?] = ["KUBERNETES_EXEC_INFO": information.description]
    for (name, value) in environment { changes[Environment.Key(rawValue: name) ?? "KUBERNETES_EXEC_INFO"] = value }
    let child = Environment.inherit.updating(changes)
    let executable: Executable = command.contains("/") ? .path(.init(command)) : .name(command)
    let limit = 1 << 20
    do {
      // Resolve it here, since a missing program has an error of its own.
      let (program, arguments) = OpenFiles.command(
        try await executable.resolveExecutablePath(in: child).string, arguments)
      let executable = Executable.path(.init(program))
      if interactive {
        // The user may have to type, and must see the question: no time limit.
        let result = try await Subprocess.run(
          executable, arguments: Arguments(arguments), environment: child, input: .currentStandardInput,
          output: .string(limit: limit),
          error: .currentStandardError)
        return Outcome(
          succeeded: result.terminationStatus.isSuccess, status: Self.words(result.terminationStatus),
          output: result.standardOutput, errors: "")
      }
      return try await withThrowingTaskGroup(of: Outcome?.self) { group in
        group.addTask {
          let result = try await Subprocess.run(
            executable, arguments: Arguments(arguments), environment: child, platformOptions: Self.ownSession,
            input: .none, output: .string(limit: limit),
            error: .string(limit: limit))
          return Outcome(
            succeeded: result.terminationStatus.isSuccess, status: Self.words(result.terminationStatus),
            output: result.standardOutput,
            errors: result.standardError)
        }
        group.addTask {
          try await Task.sleep(for: timeout)
          return nil
        }
        defer { group.cancelAll() }
        guard let outcome = try await group.next() ?? nil else {
          throw failure("did not answer within \(timeout)", installHint)
        }
        return outcome
      }
    } catch let error as KubeError {
      throw error
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw failure("is not installed", installHint.isEmpty ? "install it, or put it into PATH" : installHint)
    } catch is CancellationError {
      throw .cancelled
    } catch {
      throw failure("could not be run: \(error)", installHint)
    }
  }

  /// Options that give the plugin a session of its own: at the limit all programs that it has started end with it.
  private static var ownSession: PlatformOptions {
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
    return options
  }

  private static func words(_ status: TerminationStatus) -> String {
    switch status {
    case .exited(let code): "ended with exit status \(code)"
    case .signaled(let signal): "was ended by signal \(signal)"
    }
  }

  /// - Parameter problem: may hold the plugin's output.
  func failure(_ problem: String, _ hint: String) -> KubeError {
    .execPlugin(command: command, problem: PluginText.shown(problem), hint: hint)
  }
}
