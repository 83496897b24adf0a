import CLinux
import Glibc
import LabStore
import Synchronization

/// The descriptors of a command that is being started: the far ends are the command's, the near ends go to whoever
/// asked for it.
struct ExecStreams {
  private var near: [Int32] = []
  private var far: [Int32] = []

  /// A pipe that the command reads from.
  mutating func pipeIn() throws -> (near: Int32?, far: Int32) {
    let (readEnd, writeEnd) = try pipe()
    // The command's end blocks, as programs expect.
    _ = fcntl(readEnd, F_SETFL, 0)
    near.append(writeEnd)
    far.append(readEnd)
    return (writeEnd, readEnd)
  }

  /// A pipe that the command writes to.
  mutating func pipeOut() throws -> (near: Int32?, far: Int32) {
    let (readEnd, writeEnd) = try pipe()
    near.append(readEnd)
    far.append(writeEnd)
    return (readEnd, writeEnd)
  }

  /// No stream.
  mutating func null(_ flags: Int32) throws -> (near: Int32?, far: Int32) {
    let descriptor = open("/dev/null", flags | O_CLOEXEC)
    guard descriptor >= 0 else { throw NodeStreamError(.failed, "cannot open /dev/null: \(Files.reason(errno))") }
    far.append(descriptor)
    return (nil, descriptor)
  }

  private func pipe() throws -> (readEnd: Int32, writeEnd: Int32) {
    var (readEnd, writeEnd): (Int32, Int32) = (-1, -1)
    let result = clinux_ns_pipe(&readEnd, &writeEnd)
    guard result == 0 else { throw NodeStreamError(.failed, "cannot make a pipe: \(Files.reason(-result))") }
    return (readEnd, writeEnd)
  }

  mutating func closeFarEnds() {
    for descriptor in far { close(descriptor) }
    far = []
  }

  mutating func closeAll() {
    for descriptor in near { close(descriptor) }
    near = []
    closeFarEnds()
  }
}

/// A command's terminal, kept for its size.
final class Terminal: Sendable {
  private let descriptor: Mutex<Int32?>

  /// Takes the descriptor over.
  init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

  deinit { close() }

  /// nil once it is closed.
  func copy() -> Int32? {
    descriptor.withLock { descriptor in
      let copy = descriptor.map { clinux_ns_duplicate($0) } ?? -1
      return copy >= 0 ? copy : nil
    }
  }

  func resize(_ columns: UInt16, _ rows: UInt16) {
    descriptor.withLock { descriptor in
      if let descriptor { _ = clinux_ns_console_resize(descriptor, columns, rows) }
    }
  }

  func close() {
    descriptor.withLock { descriptor in
      if let descriptor { _ = Glibc.close(descriptor) }
      descriptor = nil
    }
  }
}
