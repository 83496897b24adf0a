import Foundation
import Glibc
import Synchronization

struct TestProblem: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A process of the test's own. Not Foundation's `Process`: sshd closes the descriptor by which that one sees the end.
final class ChildProcess: Sendable {
  let pid: Int32
  /// stdout and stderr.
  let output: LineReader
  private let hasEnded = Mutex(false)

  init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    var pipe: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pipe) == 0 else {
      throw TestProblem("socketpair: \(errno)")
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
    posix_spawn_file_actions_adddup2(&actions, pipe[1], 2)
    let variables =
      ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { strdup("\($0)=\($1)") } + [nil]
    let words = ([program] + arguments).map { strdup($0) } + [nil]
    // Threads of Dispatch block signals, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var child: pid_t = 0
    let code = posix_spawn(&child, program, &actions, &attributes, words, variables)
    posix_spawnattr_destroy(&attributes)
    posix_spawn_file_actions_destroy(&actions)
    for text in words + variables { free(text) }
    close(pipe[1])
    guard code == 0 else {
      close(pipe[0])
      throw TestProblem("\(program): \(String(cString: strerror(code)))")
    }
    pid = child
    output = LineReader(pipe[0])
  }

  /// Waits for its end.
  /// - Returns: the exit status, nil after a signal.
  @discardableResult func wait() -> Int32? {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    hasEnded.withLock { $0 = true }
    return status & 0x7f == 0 ? status >> 8 & 0xff : nil
  }

  /// Ends it, unless it has ended.
  func end() {
    guard !hasEnded.withLock({ $0 }) else { return }
    kill(pid, SIGTERM)
    wait()
  }
}

/// Runs a program to its end.
/// - Returns: what it wrote.
@discardableResult func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws
  -> String
{
  let process = try ChildProcess(program, arguments, environment: environment)
  process.output.waitForEnd()
  guard process.wait() == 0 else { throw TestProblem("\(program) \(arguments): \(process.output.text)") }
  return process.output.text
}

/// The lines that a process writes, as they come.
final class LineReader: Sendable {
  private struct State {
    var text = ""
    var isOver = false
  }
  private let state = Mutex(State())
  private let changed = NSCondition()

  /// Owns the descriptor.
  init(_ descriptor: Int32) {
    Thread.detachNewThread { [self] in
      var chunk = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(descriptor, &chunk, chunk.count)
        changed.lock()
        state.withLock { state in
          if count > 0 { state.text += String(decoding: chunk[..<count], as: UTF8.self) } else { state.isOver = true }
        }
        changed.broadcast()
        changed.unlock()
        if count <= 0 { break }
      }
      close(descriptor)
    }
  }

  var text: String { state.withLock { $0.text } }

  func wait(for part: String, seconds: Double = 10) -> Bool {
    wait(seconds) { $0.text.contains(part) || $0.isOver } && text.contains(part)
  }
  func waitForEnd() { _ = wait(30) { $0.isOver } }

  private func wait(_ seconds: Double, until holds: (State) -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    changed.lock()
    defer { changed.unlock() }
    while !state.withLock({ holds($0) }) { guard changed.wait(until: deadline) else { return false } }
    return true
  }
}
