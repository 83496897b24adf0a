import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A program to run to its end, as the leader of its own session: cancelling the task kills its whole
/// process group at once.
struct Child: Sendable {
  /// An absolute path.
  var program: String
  var arguments: [String]
  var environment: [String: String]
  /// The directory it starts in; nil for the caller's working directory.
  var directory: String?
  /// A file for its standard input; nil for nothing.
  var input: String?
  /// The time between SIGTERM and SIGKILL for a cancelled program; zero: only SIGKILL.
  var grace: Duration = .zero

  /// - Parameter line: gets each line of standard output and standard error, in their order.
  /// - Returns: the exit status, or 128 + signal, and the last lines.
  /// - Throws: `commandFailed` if it cannot be started, `cancelled`.
  func run(line: @Sendable (String) -> Void) async throws(BuildError) -> (status: Int32, tail: [String]) {
    try await guarded {
      let descriptor = try inputDescriptor()
      let done = try await Subprocess.run(
        configuration, input: .fileDescriptor(descriptor, closeAfterSpawningProcess: true), output: .sequence,
        error: .combinedWithOutput
      ) { execution in
        let pid = execution.processIdentifier.value
        return try await withTaskCancellationHandler {
          var lines = LineSplitter()
          var tail: [String] = []
          func take(_ text: String) {
            tail.append(text)
            if tail.count > Self.tailLength { tail.removeFirst() }
            line(text)
          }
          for try await buffer in execution.standardOutput { buffer.withUnsafeBytes { lines.split($0).forEach(take) } }
          lines.rest().map(take)
          return tail
        } onCancel: {
          // The leader may have ended before it was killed: kill the rest of its group too.
          if grace == .zero { kill(-pid, SIGKILL) }
        }
      }
      return (done.terminationStatus.code, done.closureResult)
    }
  }

  /// Runs a question with a short answer: standard output and standard error apart, at most 4 MiB.
  func read() async throws(BuildError) -> (status: Int32, output: String, error: String) {
    try await guarded {
      let done = try await Subprocess.run(
        configuration, input: .fileDescriptor(try inputDescriptor(), closeAfterSpawningProcess: true),
        output: .string(limit: 4 << 20),
        error: .string(limit: 1 << 20))
      return (done.terminationStatus.code, done.standardOutput, done.standardError)
    }
  }

  static let tailLength = 40

  /// The program in a session of its own: if the task is cancelled, all programs that it has started end with it.
  private var configuration: Configuration {
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence =
      grace == .zero
      ? [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
      : [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: grace)]
    let variables = environment.compactMap { name, value in Environment.Key(rawValue: name).map { ($0, value) } }
    return Configuration(
      executable: .path(FilePath(program)), arguments: Arguments(arguments),
      environment: .custom(Dictionary(uniqueKeysWithValues: variables)),
      workingDirectory: directory.map { FilePath($0) }, platformOptions: options)
  }

  private func inputDescriptor() throws -> FileDescriptor {
    try FileDescriptor.open(FilePath(input ?? "/dev/null"), .readOnly, options: .closeOnExec)
  }

  private func guarded<Value>(_ body: () async throws -> Value) async throws(BuildError) -> Value {
    if Task.isCancelled { throw .cancelled }
    let result: Result<Value, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    if Task.isCancelled { throw .cancelled }
    switch result {
    case .success(let value): return value
    case .failure(let error): throw BuildError(.commandFailed, "\(program) cannot be run: \(error)")
    }
  }
}

extension BuildError {
  static let cancelled = BuildError(.cancelled, "cancelled")
}

extension TerminationStatus {
  /// The exit status, or 128 + signal, as a shell gives it.
  fileprivate var code: Int32 {
    switch self {
    case .exited(let code): Int32(code)
    case .signaled(let signal): 128 + Int32(signal)
    }
  }
}
