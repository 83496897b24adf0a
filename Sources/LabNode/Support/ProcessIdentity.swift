import CLinux
import Glibc

/// A process by its number and the time of its start: a number alone may be another process's by now.
public struct ProcessIdentity: Sendable, Hashable {
  public let pid: Int32
  /// Ticks since boot.
  public let started: UInt64

  public init(pid: Int32, started: UInt64) {
    self.pid = pid
    self.started = started
  }

  /// The process that has the number now; nil where none has.
  public init?(pid: Int32) {
    // proc(5): the 22nd field of `stat`. The second one, the name, may hold blanks and parentheses.
    guard pid > 0, let stat = Files.readText("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[end...].split(separator: " ")
    guard fields.count > 20, let started = UInt64(fields[20]) else { return nil }
    (self.pid, self.started) = (pid, started)
  }

  /// Sends a signal to exactly this process.
  /// - Returns: whether it lived.
  public static func send(_ signal: Int32, to process: ProcessIdentity) -> Bool {
    // Held before it is looked at: it cannot become another's in between.
    let held = clinux_ns_pidfd(process.pid)
    guard held >= 0 else { return false }
    defer { close(held) }
    return ProcessIdentity(pid: process.pid) == process && clinux_ns_signal(held, signal) == 0
  }
}
