import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Runs the programs the node is made of: ip, nft, buildah, runc.
struct Command: Sendable {
  struct Result: Sendable {
    /// The exit status, or 128 + signal.
    var status: Int32
    var output: String
    var error: String
  }

  let path: String

  /// Finds a program, also in the directories of administrators, which a user's PATH often leaves out.
  /// - Throws: `missingProgram`, naming the Debian package.
  init(_ name: String, package: String) throws {
    let directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    guard let found = directories.map({ $0 + "/" + name }).first(where: Files.isExecutable) else {
      throw LabNodeError(.missingProgram, "the lab needs \(name): apt-get install \(package)")
    }
    path = found
  }

  /// Runs to the end, whatever happens to the calling task: half a mount or half a container is of no use.
  /// - Parameter input: the content of the file that is its standard input. Not a pipe: Subprocess 1.0 ends the whole
  ///   process where a program leaves one unread (swift-subprocess #367).
  /// - Returns: at most 16 MiB of output.
  func result(_ arguments: [String], input: String = "", in directory: String? = nil) async throws -> Result {
    let path = path
    return try await Task {
      let done = try await run(
        .path(FilePath(path)), arguments: Arguments(arguments), workingDirectory: directory.map { FilePath($0) },
        input: .fileDescriptor(try FileDescriptor(rawValue: Files.unnamed(input)), closeAfterSpawningProcess: true),
        output: .string(limit: 16 << 20), error: .string(limit: 1 << 20))
      return Result(status: done.terminationStatus.code, output: done.standardOutput, error: done.standardError)
    }.value
  }

  /// Runs with both output streams connected to descriptors, which are closed here afterwards.
  /// - Returns: the exit status.
  func status(_ arguments: [String], output: Int32, error: Int32) async throws -> Int32 {
    let path = path
    return try await Task {
      try await run(
        .path(FilePath(path)), arguments: Arguments(arguments),
        output: .fileDescriptor(FileDescriptor(rawValue: output), closeAfterSpawningProcess: true),
        error: .fileDescriptor(FileDescriptor(rawValue: error), closeAfterSpawningProcess: true)
      ).terminationStatus.code
    }.value
  }

  /// Runs with its three streams connected to descriptors, which stay the caller's.
  /// - Returns: the exit status.
  func status(_ arguments: [String], input: Int32, output: Int32, error: Int32) async throws -> Int32 {
    let path = path
    return try await Task {
      try await run(
        .path(FilePath(path)), arguments: Arguments(arguments),
        input: .fileDescriptor(FileDescriptor(rawValue: input), closeAfterSpawningProcess: false),
        output: .fileDescriptor(FileDescriptor(rawValue: output), closeAfterSpawningProcess: false),
        error: .fileDescriptor(FileDescriptor(rawValue: error), closeAfterSpawningProcess: false)
      ).terminationStatus.code
    }.value
  }

  /// Runs for at most `timeout`, or until the task is cancelled; then the program is asked to end, and killed 200 ms
  /// later.
  /// - Returns: nil where the time ran out.
  func result(_ arguments: [String], timeout: Duration) async throws -> Result? {
    var options = PlatformOptions()
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .milliseconds(200))]
    return try await withThrowingTaskGroup(of: Result?.self) { [path, options] group in
      group.addTask {
        let done = try await run(
          .path(FilePath(path)), arguments: Arguments(arguments), platformOptions: options,
          output: .string(limit: 1 << 20),
          error: .string(limit: 1 << 20))
        return Result(status: done.terminationStatus.code, output: done.standardOutput, error: done.standardError)
      }
      group.addTask {
        try await Task.sleep(for: timeout)
        return nil
      }
      let first = try await group.next() ?? nil
      group.cancelAll()
      return first
    }
  }

  /// - Throws: `commandFailed` with the program's own words unless it exits with 0.
  @discardableResult
  func callAsFunction(_ arguments: [String], input: String = "", in directory: String? = nil) async throws -> String {
    var done = try await result(arguments, input: input, in: directory)
    // runc and buildah begin by copying themselves into a sealed memfd, which fails now and then while other programs
    // are being started. Nothing has been done by then.
    for _ in 0..<5 where done.status != 0 && done.error.contains("sealing memfd copy") {
      try await Task.sleep(for: .milliseconds(20))
      done = try await result(arguments, input: input, in: directory)
    }
    guard done.status == 0 else {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      let words = (done.error.isEmpty ? done.output : done.error).trimmed
      throw LabNodeError(
        .commandFailed,
        "\(name) \(arguments.prefix(3).joined(separator: " ")) failed with status \(done.status): \(words)")
    }
    return done.output
  }
}

extension TerminationStatus {
  /// As a shell says it: the exit status, or 128 + signal.
  var code: Int32 {
    switch self {
    case .exited(let code): Int32(code)
    case .signaled(let signal): 128 + Int32(signal)
    }
  }
}
