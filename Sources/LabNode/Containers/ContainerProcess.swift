import CLinux
import Dispatch
import Glibc

/// The end of a process.
struct ProcessExit: Sendable, Equatable {
  var code: Int32
  /// 0 unless a signal ended it.
  var signal: Int32
  /// As a shell and Kubernetes say it.
  var status: Int { signal == 0 ? Int(code) : 128 + Int(signal) }
}

/// A container's first process, held by a pidfd, so that a signal never meets a stranger with its number.
///
/// The process is this one's child although runc started it: the node is a subreaper, and runc has gone.
final class ContainerProcess: Sendable {
  let pid: Int32
  private let descriptor: Int32
  private let exitTask: Task<ProcessExit, Never>

  /// - Throws: `systemCall` where there is no such process.
  init(pid: Int32) throws {
    let descriptor = clinux_ns_pidfd(pid)
    guard descriptor >= 0 else {
      throw LabNodeError(.systemCall, "cannot follow the process \(pid): \(Files.reason(-descriptor))")
    }
    self.pid = pid
    self.descriptor = descriptor
    exitTask = Task.detached { await Self.ended(descriptor) }
  }

  deinit { close(descriptor) }

  /// Suspends until it has ended, also when the calling task is cancelled.
  var exit: ProcessExit { get async { await exitTask.value } }

  /// A process that has ended takes no signal; that is fine.
  func send(_ signal: Int32) { _ = clinux_ns_signal(descriptor, signal) }

  private static func ended(_ descriptor: Int32) async -> ProcessExit {
    await withCheckedContinuation { continuation in
      let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
      source.setEventHandler {
        var (code, signal): (Int32, Int32) = (0, 0)
        // Not a child of ours: its status went to another process.
        if clinux_ns_reap(descriptor, &code, &signal) < 0 { (code, signal) = (255, 0) }
        source.cancel()
        continuation.resume(returning: ProcessExit(code: code, signal: signal))
      }
      source.resume()
    }
  }
}
