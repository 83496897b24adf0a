import CLinux
import Glibc

/// Ended processes that came to this one as a subreaper and that nothing here waits for: runc's own stages, and what a killed `runc exec`
/// leaves. They must be reaped, or the end of a container with such a process in it would wait for ever.
enum StrayChildren {
  /// Reaps until the task is cancelled. Whoever started a child waits for it at once, so one that is still there two seconds later is a stray.
  static func reap() async {
    var (seen, times): (Int32, Int) = (0, 0)
    while !Task.isCancelled {
      reapStages()
      let ended = clinux_ns_peek_ended_child()
      times = ended != 0 && ended == seen ? times + 1 : 0
      seen = ended
      if times >= 4 { clinux_ns_discard_child(ended) }
      try? await Task.sleep(for: .milliseconds(500))
    }
  }

  /// Reaps what is known to be a stray by its name: nothing here starts a process that is called like runc's stages.
  static func reapStages() {
    while true {
      let ended = clinux_ns_peek_ended_child()
      guard ended != 0, Files.readText("/proc/\(ended)/comm")?.hasPrefix("runc:[") == true else { return }
      clinux_ns_discard_child(ended)
    }
  }
}
