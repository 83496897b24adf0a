import ControlAPI
import FoundationEssentials

/// The hop at which everything begins: the daemon that holds this user's intercepts.
enum DaemonHop {
  static func look(_ paths: ControlPaths) async -> WayHop {
    do throws(ControlError) {
      let outcome = try await DaemonProbe.look(paths, within: .seconds(2))
      return hop(outcome, isStopped: isStopped(outcome), command: .current)
    } catch {
      return WayHop("daemon", .failed, error.message, evidence: error.details, remedy: error.remedy)
    }
  }

  /// - Parameter isStopped: true if a signal has stopped its process.
  static func hop(_ outcome: DaemonProbe.Outcome, isStopped: Bool, command: BuildVersion) -> WayHop {
    switch outcome {
    case .absent:
      return WayHop(
        "daemon", .ok, "no daemon of yours was running, so nothing was intercepted from here; one has been started")
    case .silent(let pid):
      let name = "your daemon" + (pid.map { " (pid \($0))" } ?? "")
      guard isStopped else {
        return WayHop(
          "daemon", .failed, "\(name) does not answer",
          remedy: "devtunnel logs shows what it did last" + (pid.map { "; kill \($0) ends it" } ?? ""))
      }
      return WayHop(
        "daemon", .failed, "\(name) is stopped by a signal, so all requests go to the Services' own Pods",
        remedy: pid.map { "kill -CONT \($0)" })
    case .answered(let status):
      let daemon = status.daemon
      let running = daemon.map { BuildVersion(version: $0.version, build: $0.build) }
      if let running, let mismatch = BuildVersion.mismatch(daemon: running, command: command) {
        return WayHop("daemon", .failed, mismatch.message, remedy: mismatch.remedy)
      }
      return WayHop("daemon", .ok, "your daemon answers" + (daemon.map { ", pid \($0.pid), since \($0.since)" } ?? ""))
    }
  }

  private static func isStopped(_ outcome: DaemonProbe.Outcome) -> Bool {
    guard case .silent(let pid?) = outcome else { return false }
    return ProcessState.read(pid).map { $0.letter == "T" || $0.letter == "t" } ?? false
  }
}

/// A process's name and state (proc_pid_stat(5)).
struct ProcessState: Hashable {
  var name: String
  /// `T` if a signal has stopped it, `t` if a debugger has.
  var letter: String

  static func read(_ pid: Int) -> ProcessState? {
    // A file of /proc has the size 0.
    let path = URL(filePath: "/proc/\(pid)/stat")
    return (try? Data(contentsOf: path)).flatMap { ProcessState(String(decoding: $0, as: UTF8.self)) }
  }

  /// Reads the file's text. A name may contain anything, parentheses too.
  init?(_ text: String) {
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
      let state = text[text.index(after: close)...].split(separator: " ").first
    else { return nil }
    name = String(text[text.index(after: open)..<close])
    letter = String(state)
  }
}
