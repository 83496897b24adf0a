import CLinux
import CSSH2
import Glibc

/// An open channel and the bastion's end of its socket pair, with at most a buffer in each direction: a slow reader
/// stops the other side. Belongs to the bastion's thread.
final class Channel {
  static let bufferSize = 64 << 10

  let handle: OpaquePointer
  let opening: Opening
  private let transport: Transport
  var socket: Int32 { opening.socket }

  // From SSH to the socket: bytes that the socket did not take.
  private var pending: [UInt8] = []
  private var pendingStart = 0
  private var sawRemoteEnd = false

  // From the socket to SSH. libssh2 needs the same pointer and length again, so the buffer stays in place.
  private var buffer: UnsafeMutableRawBufferPointer?
  private var bufferRange = 0..<0
  private var isReadable = true
  private var sawLocalEnd = false
  private var hasSentEnd = false
  /// True if both directions of the user's end are closed.
  private var isHungUp = false
  /// True if more could be sent but for the transport's backlog.
  private(set) var waitsForBacklog = false
  /// True if only closing is left to do.
  private(set) var isFinished = false

  init(_ handle: OpaquePointer, _ opening: Opening, _ transport: Transport) {
    self.handle = handle
    self.opening = opening
    self.transport = transport
  }

  deinit { buffer?.deallocate() }

  // MARK: Waiting

  /// For poll; nil if only SSH can make progress.
  var interest: pollfd? {
    var events: Int16 = 0
    if hasPending { events |= Int16(POLLOUT) }
    if !isReadable, !sawLocalEnd, bufferRange.isEmpty { events |= Int16(POLLIN) }
    // Without events poll still reports a hang-up; once is enough.
    return isHungUp && events == 0 ? nil : pollfd(fd: socket, events: events, revents: 0)
  }

  func ready(_ events: Int16) {
    if events & Int16(POLLIN | POLLHUP | POLLERR) != 0 { isReadable = true }
    if events & Int16(POLLHUP | POLLERR) != 0 { isHungUp = true }
  }

  private var hasPending: Bool { pendingStart < pending.count }

  // MARK: Moving

  /// Moves all data that can be moved.
  /// - Returns: a problem of the whole session.
  func pump(_ scratch: UnsafeMutableRawBufferPointer) -> Int32? {
    if let problem = receive(scratch) ?? send() { return problem }
    let isClosed = sawRemoteEnd && libssh2_channel_wait_closed(handle) == 0
    isFinished = !hasPending && sawRemoteEnd && (hasSentEnd || isClosed) || isHungUp && hasSentEnd
    return nil
  }

  private func receive(_ scratch: UnsafeMutableRawBufferPointer) -> Int32? {
    while !sawRemoteEnd || hasPending {
      if hasPending {
        pendingStart += pending.withUnsafeBytes { write($0.baseAddress! + pendingStart, $0.count - pendingStart) }
        if hasPending { return nil }
        pending = []
        pendingStart = 0
        continue
      }
      let count = libssh2_channel_read_ex(handle, 0, scratch.baseAddress, scratch.count)
      if count > 0 {
        let written = write(scratch.baseAddress!, count)
        if written < count { pending = Array(scratch[written..<count]) }
      } else if count == 0 || count == Int(LIBSSH2_ERROR_CHANNEL_CLOSED) {
        guard libssh2_channel_eof(handle) != 0 else { return nil }
        sawRemoteEnd = true
      } else {
        return count == Int(LIBSSH2_ERROR_EAGAIN) ? nil : Int32(count)
      }
    }
    if sawRemoteEnd, !hasPending { _ = clinux_shutdown_write(socket) }
    return nil
  }

  /// Writes bytes; those that the user no longer reads count as written.
  private func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    let written = isHungUp ? -Int(EPIPE) : clinux_send(socket, bytes, count)
    if written >= 0 { return written }
    if written == -Int(EAGAIN) { return 0 }
    isHungUp = true
    isReadable = true
    return count
  }

  private func send() -> Int32? {
    waitsForBacklog = false
    while true {
      if bufferRange.isEmpty {
        guard isReadable, !sawLocalEnd else { break }
        guard transport.backlog < Transport.backlogLimit else {
          waitsForBacklog = true
          return nil
        }
        let buffer = self.buffer ?? .allocate(byteCount: Self.bufferSize, alignment: 16)
        self.buffer = buffer
        let count = clinux_receive(socket, buffer.baseAddress!, buffer.count)
        if count > 0 {
          bufferRange = 0..<count
        } else if count == -Int(EAGAIN) {
          isReadable = false
          break
        } else {
          sawLocalEnd = true
          isHungUp = isHungUp || opening.endsAtOnce
          break
        }
      }
      guard transport.backlog < Transport.backlogLimit else {
        waitsForBacklog = true
        return nil
      }
      let count = libssh2_channel_write_ex(handle, 0, buffer!.baseAddress! + bufferRange.lowerBound, bufferRange.count)
      if count > 0 {
        bufferRange = bufferRange.lowerBound + count..<bufferRange.upperBound
      } else if count == 0 || count == Int(LIBSSH2_ERROR_EAGAIN) {
        // The server's window is full, or keys are being exchanged: SSH's input resumes it.
        return nil
      } else {
        return Int32(count)
      }
    }
    guard sawLocalEnd, !hasSentEnd else { return nil }
    switch libssh2_channel_send_eof(handle) {
    case LIBSSH2_ERROR_EAGAIN: return nil
    case let code where code < 0: return code
    default:
      hasSentEnd = true
      return nil
    }
  }
}
