import Subprocess

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Runs git, kustomize and helm.
struct Program: Sendable {
  struct Result: Sendable {
    var succeeded: Bool
    var output: String
    var errors: String
  }

  /// The reason why a program was ended.
  struct TookTooLong: Error {}

  /// An absolute path.
  var path: String

  /// Runs it to its end. At the limit, or if the task is cancelled, it is killed with all that it has started.
  /// - Parameter input: for its standard input; nil for none.
  /// - Throws: `TookTooLong`, `CancellationError`, or the reason why it cannot be started.
  func run(
    _ arguments: [String], in directory: String, environment: [String: String], input: String? = nil,
    within limit: Duration = .seconds(60)
  ) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await runToEnd(arguments, in: directory, environment: environment, input: input) }
      group.addTask {
        try await Task.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let result = first else { throw TookTooLong() }
      return result
    }
  }

  private func runToEnd(
    _ arguments: [String], in directory: String, environment: [String: String], input: String?
  ) async throws -> Result {
    var variables: [Environment.Key: String] = [:]
    for (name, value) in environment { if let key = Environment.Key(rawValue: name) { variables[key] = value } }
    let file = try input.map(Self.file) ?? FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec)
    let done = try await Subprocess.run(
      .path(FilePath(path)), arguments: Arguments(arguments), environment: .custom(variables),
      workingDirectory: FilePath(directory), platformOptions: Self.ownSession,
      input: .fileDescriptor(file, closeAfterSpawningProcess: true),
      output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
    return Result(succeeded: done.terminationStatus.isSuccess, output: done.standardOutput, errors: done.standardError)
  }

  /// Options that give the program a session of its own: at the limit all programs that it has started end with it.
  private static var ownSession: PlatformOptions {
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
    return options
  }

  /// Opens a nameless file with a text. A pipe would end this process with SIGPIPE if the program does not read it.
  private static func file(holding text: String) throws -> FileDescriptor {
    var name = Array((FileManager.default.temporaryDirectory.path + "/devtunnel-input-XXXXXX").utf8CString)
    let number = mkstemp(&name)
    guard number >= 0 else { throw Errno(rawValue: errno) }
    _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    unlink(name)
    let file = FileDescriptor(rawValue: number)
    do {
      try file.writeAll(text.utf8)
      try file.seek(offset: 0, from: .start)
      return file
    } catch {
      try? file.close()
      throw error
    }
  }
}
