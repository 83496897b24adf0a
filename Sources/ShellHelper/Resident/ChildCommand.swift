import CShell
import Glibc

/// The user's command, in the helper's process group: to the terminal they are one job.
final class ChildCommand {
  /// Readable when a signal has come or the child has changed.
  let signals: Int32
  private let pid: pid_t
  /// The exit status as a shell gives it; nil while it runs.
  private(set) var status: Int32?

  init(_ command: [String]) throws(ShellError) {
    signals = try check(cshell_signal_fd(), "take the signals")
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    pid = try check(cshell_spawn(&arguments, ShellProgram.name), "start \(command[0])")
  }

  deinit { close(signals) }

  /// Passes signals on and checks the child's state.
  func turn() {
    var fromKernel: Int32 = 0
    while case let signal = cshell_next_signal(signals, &fromKernel), signal != 0 {
      // A terminal's signal goes to the whole group, the child included; but that of its end to its session's leader.
      let isShared = fromKernel != 0 && isInOwnGroup && signal != SIGHUP
      if signal != SIGCHLD, status == nil, !isShared { kill(pid, signal) }
    }
    guard status == nil else { return }
    var value: Int32 = 0
    switch cshell_child_state(pid, &value) {
    case 1: status = value
    case 2: status = 128 + value
    // A shell that suspends itself stops its own group only: stop with it, for the shell outside to see,
    // and continue with it (as su(1) does).
    case 3 where !isInOwnGroup:
      _ = cshell_stop_self()
      kill(pid, SIGCONT)
    default: break
    }
  }

  private var isInOwnGroup: Bool { getpgid(pid) == getpgrp() }
}
