import ControlAPI
import FoundationEssentials
import Glibc
import LabNode

/// A lab as a process of its own: starts it, and removes everything of it, however it ended.
struct LabProcess: Sendable {
  let paths: LabPaths

  /// Returns the record of a lab whose process lives.
  func running() -> LabRecord? {
    guard let record = LabRecord.read(paths), record.isAlive else { return nil }
    return record
  }

  /// Starts `devtunnel-lab serve`, and returns once its API server answers.
  /// - Throws: an error with the log's last lines if it does not.
  func start(port: UInt16) async throws(ControlError) -> LabRecord {
    try paths.prepare()
    let pid = try DetachedProgram.start(["serve", "--name", paths.name, "--port", "\(port)"], log: paths.log)
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
      if let record = LabRecord.read(paths), record.pid == pid, record.server != nil { return record }
      if DetachedProgram.hasEnded(pid) { throw failure("the lab ended while it started") }
      do { try await Task.sleep(for: .milliseconds(20)) } catch {
        throw ControlError(.cancelled, "cancelled while the lab started")
      }
    }
    throw failure("the lab does not answer after a minute")
  }

  func failure(_ message: String) -> ControlError {
    ControlError(.failed, message, remedy: "its log is \(paths.log)", details: LogTail(path: paths.log).lastLines(10))
  }

  /// Ends the process and removes containers, mounts, namespaces and files, even of a process that was killed.
  /// - Parameter keepingLog: true to keep the log file, which helps to find out why it failed.
  /// - Returns: false if there was nothing.
  @discardableResult
  func remove(keepingLog: Bool = false) async throws(ControlError) -> Bool {
    guard paths.exists else { return false }
    try paths.checkOwners()
    try await end()
    do { try await LabNode.cleanUp(stateDirectory: paths.node) } catch {
      throw ControlError(.failed, "the lab's node cannot be cleaned up: \(error)")
    }
    let files = FileManager.default
    do {
      guard keepingLog else {
        try files.removeItem(atPath: paths.directory)
        paths.removeEmptyParents()
        return true
      }
      for name in try files.contentsOfDirectory(atPath: paths.directory) where name != "lab.log" {
        try files.removeItem(atPath: paths.directory + "/" + name)
      }
      return true
    } catch {
      throw ControlError(.failed, "\(paths.directory) cannot be removed: \(error)")
    }
  }

  /// Ends the process. The lock shows whether it lives, so that a new process with its number is never meant.
  private func end() async throws(ControlError) {
    for signal in [SIGTERM, SIGKILL] {
      let deadline = ContinuousClock.now + .seconds(60)
      var isSignalled = false
      while ContinuousClock.now < deadline {
        if try FileLock.take(paths.lock) != nil { return }
        // A process that has just started writes its number a moment later.
        if !isSignalled, let record = LabRecord.read(paths) { isSignalled = record.send(signal) }
        do { try await Task.sleep(for: .milliseconds(20)) } catch {
          throw ControlError(.cancelled, "cancelled while the lab ended")
        }
      }
    }
    throw ControlError(.timedOut, "the lab's process does not end", remedy: "its log is \(paths.log)")
  }
}
