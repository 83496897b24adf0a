import ControlAPI
import Threads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The bytes on stdin.
enum StandardInput {
  /// Reads on a thread of its own, until the end of the input.
  /// - Parameter descriptor: read from, and left open.
  static func chunks(_ descriptor: Int32 = STDIN_FILENO) throws(ControlError) -> AsyncStream<[UInt8]> {
    let (chunks, feed) = AsyncStream<[UInt8]>.makeStream()
    do throws(ThreadError) {
      try startThread("stdin", stackSize: 256 << 10) {
        while let chunk = read(descriptor) { feed.yield(chunk) }
        feed.finish()
      }
    } catch {
      throw ControlError(.failed, error.description)
    }
    return chunks
  }

  private static func read(_ descriptor: Int32) -> [UInt8]? {
    while true {
      var got = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
        got = systemRead(descriptor, buffer.baseAddress, buffer.count)
        count = max(0, got)
      }
      if got > 0 { return chunk }
      if got < 0, errno == EINTR { continue }
      if got < 0, errno == EAGAIN {
        // Another process made the shared pipe non-blocking.
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&wait, 1, -1) > 0 { continue }
      }
      return nil
    }
  }
}

// `StandardInput` hides the system call's name.
private func systemRead(_ fd: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(fd, buffer, count)
}
