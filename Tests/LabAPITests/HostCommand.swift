import Dispatch
import LabStore

#if canImport(Glibc)
  import Glibc
#endif

/// A command of this machine in the place of one in a container; a terminal is not played.
enum HostCommand {
  static func start(_ request: ExecRequest) throws -> ExecProcess {
    let (input, output, error) = (pipe(), pipe(), pipe())
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (wanted, far, number) in [
      (request.standardInput, input.read, Int32(0)), (request.standardOutput, output.write, 1),
      (request.standardError, error.write, 2),
    ] {
      if wanted {
        posix_spawn_file_actions_adddup2(&actions, far, number)
      } else {
        posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
      }
    }
    // The sockets of this process are not the command's.
    for descriptor in 3..<Int32(1024) { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var arguments: [UnsafeMutablePointer<CChar>?] = request.command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let result = posix_spawnp(&pid, request.command[0], &actions, nil, &arguments, environ)
    for descriptor in [input.read, output.write, error.write] { close(descriptor) }
    guard result == 0 else {
      for descriptor in [input.write, output.read, error.read] { close(descriptor) }
      throw NodeStreamError(.failed, "cannot start \(request.command[0])")
    }
    if !request.standardInput { close(input.write) }
    if !request.standardOutput { close(output.read) }
    if !request.standardError { close(error.read) }
    let child = pid
    return ExecProcess(
      standardInput: request.standardInput ? input.write : nil,
      standardOutput: request.standardOutput ? output.read : nil,
      standardError: request.standardError ? error.read : nil, exitStatus: { await end(of: child) },
      kill: { Glibc.kill(child, SIGKILL) })
  }

  private static func end(of pid: pid_t) async -> Int {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        continuation.resume(returning: Int(status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)))
      }
    }
  }

  private static func pipe() -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    _ = Glibc.pipe(&ends)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}
