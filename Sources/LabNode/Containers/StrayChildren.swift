import CLinux
import Glibc

/// Ended processes that came to this one as a subreaper and that nothing here waits for: runc's own stages, and what a
/// killed `runc exec` leaves. They must be reaped, or the end of a container with such a process in it would wait for
/// ever.
enum StrayChildren {
  /// Reaps until the task is cancelled. The starter of a child waits for it at once, so one that is still there two
  /// seconds later is a stray.
  static func reap() async {
    var ages: [Int32: Int] = [:]
    while !Task.isCancelled {
      reapStages()
      let ended = Set(self.ended())
      ages = ages.filter { ended.contains($0.key) }
      for pid in ended {
        ages[pid, default: 0] += 1
        if ages[pid, default: 0] > 4 { clinux_ns_discard_child(pid) }
      }
      try? await Task.sleep(for: .milliseconds(500))
    }
  }

  /// Reaps what is known to be a stray by its name: nothing here starts a process that is called like runc's stages.
  static func reapStages() {
    for pid in ended() where Files.readText("/proc/\(pid)/comm")?.hasPrefix("runc:[") == true {
      clinux_ns_discard_child(pid)
    }
  }

  /// This process's children that have ended and have not been waited for.
  private static func ended() -> [Int32] {
    guard clinux_ns_peek_ended_child() != 0 else { return [] }
    // Not every kernel lists a process's children, so all processes are looked at; seldom, thanks to the line above.
    let own = getpid()
    return Files.names(in: "/proc").compactMap { Int32($0) }.filter { pid in
      // proc(5): after the name in parentheses come the state and the parent.
      let stat = Files.readText("/proc/\(pid)/stat") ?? ""
      return stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].hasPrefix(") Z \(own) ")
    }
  }
}
