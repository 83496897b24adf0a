import CLinux
import Glibc

/// The state and CPU time of a process from /proc/PID/stat (proc(5)).
struct ProcessTimes {
  /// `R`, `S`, `Z` and so on.
  var state: Character
  /// User and system time of all its threads, without children that have ended.
  var cpuSeconds: Double

  /// Reads them; nil if there is no such process.
  init?(of process: Int32) {
    let fd = clinux_open_for_reading("/proc/\(process)/stat")
    guard fd >= 0 else { return nil }
    defer { clinux_close(fd) }
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = clinux_read(fd, &bytes, bytes.count)
    guard count > 0 else { return nil }
    self.init(
      parsing: String(decoding: bytes[..<count], as: UTF8.self), ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))))
  }

  /// Parses the line. The command's name is in parentheses, and may contain any character, parentheses too.
  init?(parsing line: String, ticksPerSecond: Double) {
    guard let nameEnd = line.lastIndex(of: ")") else { return nil }
    let fields = line[nameEnd...].dropFirst().split(separator: " ")
    guard fields.count > 12, let state = fields[0].first, let user = Double(fields[11]), let system = Double(fields[12])
    else { return nil }
    self.state = state
    cpuSeconds = (user + system) / ticksPerSecond
  }

  var isRunning: Bool { state != "Z" && state != "X" }
}

enum Clock {
  static func sleep(microseconds: UInt32) { usleep(microseconds) }
}
