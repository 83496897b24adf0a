import CLinux
import CSSH2
import Glibc

/// The TCP connection under a session, between two buffers: libssh2 never meets a full socket.
///
/// libssh2 keeps a packet that was sent in part in the *session*, and every other call then fails until
/// the first one is repeated. With an output buffer there are no such packets: everything is taken at
/// once, and senders of bulk data check `backlog` before.
final class Transport {
  /// Bytes of output that may wait before channels stop sending.
  static let backlogLimit = 512 << 10
  private static let inputSize = 256 << 10

  let socket: Int32
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: inputSize, alignment: 16)
  private var inputRange = 0..<0
  private var output: [UInt8] = []
  private var outputStart = 0
  /// The socket reads left in this turn, so that a fast server does not keep the loop from the other channels.
  private var reads = 1
  /// The reason why no more bytes go or come.
  private(set) var end: String?
  private(set) var lastInput = ContinuousClock.now

  init(socket: Int32) { self.socket = socket }

  deinit {
    clinux_close(socket)
    input.deallocate()
  }

  var backlog: Int { output.count - outputStart }
  var hasInput: Bool { !inputRange.isEmpty }

  func beginTurn() { reads = 1 }

  /// Notes that the server is alive: unread bytes were seen.
  func sawInput() { lastInput = .now }

  /// Ends the input, even that which has arrived.
  func cut() {
    inputRange = 0..<0
    end = end ?? "it was closed here"
  }

  /// Reads for libssh2: bytes, 0 at the end, or -errno.
  func receive(_ buffer: UnsafeMutableRawPointer, _ length: Int) -> Int {
    if inputRange.isEmpty {
      guard end == nil else { return 0 }
      guard reads > 0 else { return -Int(EAGAIN) }
      reads -= 1
      let count = clinux_receive(socket, input.baseAddress!, input.count)
      guard count > 0 else {
        if count == -Int(EAGAIN) { return count }
        end = count == 0 ? "the server closed it" : String(cString: strerror(Int32(-count)))
        return count
      }
      inputRange = 0..<count
      lastInput = .now
    }
    let count = min(length, inputRange.count)
    buffer.copyMemory(from: input.baseAddress! + inputRange.lowerBound, byteCount: count)
    inputRange = inputRange.lowerBound + count..<inputRange.upperBound
    return count
  }

  /// Writes for libssh2: takes everything.
  func send(_ buffer: UnsafeRawPointer, _ length: Int) -> Int {
    output.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: length))
    return length
  }

  /// Writes as much as the socket takes.
  func flush() {
    while outputStart < output.count, end == nil {
      let count = output.withUnsafeBytes { clinux_send(socket, $0.baseAddress! + outputStart, $0.count - outputStart) }
      if count == -Int(EAGAIN) { break }
      guard count >= 0 else {
        end = String(cString: strerror(Int32(-count)))
        return
      }
      outputStart += count
    }
    if outputStart == output.count {
      output.removeAll(keepingCapacity: output.capacity <= 2 * Self.backlogLimit)
      outputStart = 0
    } else if outputStart > Self.backlogLimit {
      output.removeFirst(outputStart)
      outputStart = 0
    }
  }
}
