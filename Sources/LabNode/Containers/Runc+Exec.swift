import CLinux
import Glibc
import KubeObjects
import LabStore

extension Runc {
  /// Starts a command in a container and leaves it to the caller.
  /// - Throws: `NodeStreamError` in runc's words, such as for a program that is not in the container; nothing is left
  ///   of it then.
  func start(_ request: ExecRequest, in identifier: String) async throws -> ExecProcess {
    request.hasTerminal
      ? try await startOnTerminal(request, in: identifier) : try await startOnPipes(request, in: identifier)
  }

  // MARK: Pipes

  private func startOnPipes(_ request: ExecRequest, in identifier: String) async throws -> ExecProcess {
    var streams = ExecStreams()
    do {
      let input = request.standardInput ? try streams.pipeIn() : try streams.null(O_RDONLY)
      let output = request.standardOutput ? try streams.pipeOut() : try streams.null(O_WRONLY)
      let error = request.standardError ? try streams.pipeOut() : try streams.null(O_WRONLY)
      let process = try await detached(
        ["exec", "--detach"], request.command, in: identifier, input: input.far, output: output.far, error: error.far)
      streams.closeFarEnds()
      return ExecProcess(
        standardInput: input.near, standardOutput: output.near, standardError: error.near,
        exitStatus: { await process.exit.status },
        kill: { process.send(SIGKILL) })
    } catch {
      streams.closeAll()
      throw error
    }
  }

  // MARK: Terminal

  private func startOnTerminal(_ request: ExecRequest, in identifier: String) async throws -> ExecProcess {
    // Short, since a socket's path has at most 107 bytes.
    let path = "/run/devtunnel-exec-" + String(UInt64.random(in: 0...UInt64.max), radix: 16)
    let listener = clinux_ns_console_listen(path)
    guard listener >= 0 else { throw NodeStreamError(.failed, "cannot listen on \(path): \(Files.reason(-listener))") }
    defer {
      close(listener)
      unlink(path)
    }
    var streams = ExecStreams()
    defer { streams.closeFarEnds() }
    let (input, output) = (try streams.null(O_RDONLY).far, try streams.null(O_WRONLY).far)
    let process = try await detached(
      ["exec", "--detach", "--tty", "--console-socket", path], request.command, in: identifier, input: input,
      output: output, error: output)
    // runc has sent it before it ended.
    let console = clinux_ns_console_receive(listener, 5000)
    guard console >= 0 else {
      process.send(SIGKILL)
      throw NodeStreamError(.failed, "no terminal came from runc: \(Files.reason(-console))")
    }
    let terminal = Terminal(console)
    return ExecProcess(
      standardInput: request.standardInput ? terminal.copy() : nil, standardOutput: terminal.copy(), standardError: nil,
      exitStatus: {
        let status = await process.exit.status
        terminal.close()
        return status
      }, resize: { terminal.resize($0, $1) }, kill: { process.send(SIGKILL) })
  }

  // MARK: runc

  private func detached(
    _ options: [String], _ command: [String], in identifier: String, input: Int32, output: Int32, error: Int32
  ) async throws -> ContainerProcess {
    let files = root + "-exec-\(UInt64.random(in: 0...UInt64.max))"
    let (pidFile, messages) = (files + ".pid", files + ".log")
    defer { for file in [pidFile, messages] { Files.remove(file) } }
    let (subcommand, rest) = (options.prefix(1), options.dropFirst())
    let arguments =
      self.options + ["--log", messages, "--log-format", "json"] + subcommand + rest + [
        "--pid-file", pidFile, identifier,
      ] + command
    var status: Int32 = 0
    for attempt in 0...5 {
      status = try await runc.status(arguments, input: input, output: output, error: error)
      // See `Command.callAsFunction`.
      guard status != 0, attempt < 5, (Files.readText(messages) ?? "").contains("sealing memfd copy") else { break }
      try await Task.sleep(for: .milliseconds(20))
    }
    guard status == 0, let pid = Files.readText(pidFile).flatMap({ Int32($0.trimmed) }) else {
      let words = (Files.readText(messages) ?? "").split(whereSeparator: \.isNewline).last.flatMap {
        try? JSONValue(parsing: String($0))["msg"]?.stringValue
      }
      let reason = words ?? "runc exec failed with status \(status)"
      throw NodeStreamError(
        .failed, "error executing command in container: failed to exec in container: OCI runtime exec failed: \(reason)"
      )
    }
    return try ContainerProcess(pid: pid)
  }
}
