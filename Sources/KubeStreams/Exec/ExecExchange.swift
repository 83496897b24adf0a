import CLinux
import KubeAPI
import Relay

/// One exec on a loop: stdin out, stdout and stderr in, until the status has come and the server has closed. Belongs to
/// the loop's thread once started.
///
/// stdin comes with `finish`; until then the command waits for it, while pings are answered and its output is kept.
final class ExecExchange: Handler {
  private let connection: UpgradedConnection
  private let server: String
  private var loop: EventLoop?
  private var onEnd: ((Result<ExecResult, KubeError>) -> Void)?
  private var outcome: Result<ExecResult, KubeError>?

  private var parser = FrameParser()
  private var writer = FrameWriter()
  private var channels = ExecChannels()

  private let takesInput: Bool
  /// The rest of stdin to send; nil before it is known, and once it is closed.
  private var stdin: ArraySlice<UInt8>?
  private var control: [UInt8] = []
  private let buffer = UnsafeMutableRawPointer.allocate(byteCount: ExecExchange.bufferSize, alignment: 16)
  // One frame is in flight at a time; after CURLE_AGAIN it must be offered again unchanged.
  private var sending: UnsafeMutableRawPointer
  private var sendingLeft = 0
  private static let chunkSize = (32 << 10) - 16
  private static let bufferSize = FrameWriter.maximumHead + 1 + chunkSize

  private let receiveBuffer = UnsafeMutableRawPointer.allocate(byteCount: ExecExchange.receiveSize, alignment: 16)
  private static let receiveSize = 64 << 10
  private let outputLimit: Int
  private var result = ExecResult(stdout: [], stderr: [], exitCode: 0)
  private var status: [UInt8] = []
  /// The wait in µs for the server's close, which follows the status within a millisecond.
  private static let closeTimeout: UInt64 = 200_000

  init(connection: UpgradedConnection, takesInput: Bool, outputLimit: Int, server: String) {
    self.connection = connection
    self.takesInput = takesInput
    self.outputLimit = outputLimit
    self.server = server
    sending = buffer
  }

  deinit {
    buffer.deallocate()
    receiveBuffer.deallocate()
  }

  func start(on loop: EventLoop) {
    self.loop = loop
    loop.watch(connection.socket, self)
    connection.leftover.withUnsafeBytes { take($0) }
    // Bytes that TLS has read already cause no event.
    loop.readAgain(self)
  }

  /// Gives the command its stdin.
  /// - Parameter onEnd: called once; at once if the exec has ended already.
  func finish(stdin: [UInt8], onEnd: @escaping (Result<ExecResult, KubeError>) -> Void) {
    if let outcome { return onEnd(outcome) }
    self.onEnd = onEnd
    if takesInput { self.stdin = stdin[...] }
    push()
  }

  override func ready(_ events: UInt32) {
    if events & clinux_EPOLLOUT != 0 { push() }
    if events & (clinux_EPOLLIN | clinux_EPOLLRDHUP | clinux_EPOLLHUP | clinux_EPOLLERR) != 0 { receive() }
  }

  override func timerFired(_ kind: UInt8) { closed() }

  /// Ends the exec; later calls change nothing.
  func end(_ outcome: Result<ExecResult, KubeError>) {
    guard self.outcome == nil, let loop else { return }
    self.outcome = outcome
    loop.unwatch(connection.socket)
    loop.unregister(self)
    connection.close()
    onEnd?(outcome)
    onEnd = nil
  }

  // MARK: Out

  private func push() {
    while outcome == nil, sendingLeft > 0 || stage() {
      switch connection.send(sending, sendingLeft) {
      case .sent(let count):
        sending += count
        sendingLeft -= count
      case .again: return
      case .failed(let error):
        // The command ended before it had read all its stdin: its status is in the bytes received.
        stdin = nil
        sendingLeft = 0
        if status.isEmpty { receive() }
        if status.isEmpty { end(.failure(error)) }
        return
      }
    }
  }

  /// Writes the next frame into the buffer.
  private func stage() -> Bool {
    let payload = buffer + FrameWriter.maximumHead
    if !control.isEmpty {
      let count = min(control.count, Self.bufferSize)
      control.withUnsafeBytes { buffer.copyMemory(from: $0.baseAddress!, byteCount: count) }
      control.removeFirst(count)
      sending = buffer
      sendingLeft = count
      return true
    }
    guard let rest = stdin else { return false }
    let message: [UInt8]
    if rest.isEmpty {
      stdin = nil
      guard connection.subprotocol == ExecChannels.v5 else { return false }
      message = ExecChannels.closeStdin
    } else {
      message = [ExecChannels.stdin] + rest.prefix(Self.chunkSize)
      stdin = rest.dropFirst(Self.chunkSize)
    }
    message.withUnsafeBytes { payload.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    sending = writer.seal(.binary, payload, count: message.count)
    sendingLeft = payload + message.count - sending
    return true
  }

  // MARK: In

  private func receive() {
    while outcome == nil {
      switch connection.receive(receiveBuffer, Self.receiveSize) {
      case .received(let count): take(UnsafeRawBufferPointer(start: receiveBuffer, count: count))
      case .again: return
      case .closed: return closed()
      case .failed(let error): return status.isEmpty ? end(.failure(error)) : closed()
      }
    }
  }

  private func take(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while outcome == nil, let event = parser.next(&rest) {
      switch event {
      case .began: channels.messageBegan()
      case .payload(let payload): takePart(payload)
      case .ended: break
      case .ping(let payload):
        if control.count < Self.bufferSize { control += writer.frame(.pong, payload) }
        push()
      case .close: closed()
      case .malformed:
        end(.failure(.badResponse(server: server, problem: "an exec has a frame that RFC 6455 does not allow")))
      }
    }
  }

  private func takePart(_ payload: UnsafeRawBufferPointer) {
    switch channels.part(payload) {
    case .stdout(let bytes): result.stdout += bytes.prefix(max(0, outputLimit - result.stdout.count))
    case .stderr(let bytes): result.stderr += bytes.prefix(max(0, outputLimit - result.stderr.count))
    case .status(let bytes):
      if status.isEmpty { loop?.schedule(self, after: Self.closeTimeout, kind: 0) }
      status += bytes.prefix(max(0, (1 << 20) - status.count))
    case nil: break
    }
  }

  private func closed() {
    guard !status.isEmpty else {
      return end(.failure(.connectionLost(server: server, cause: "an exec ended without a status")))
    }
    do throws(KubeError) {
      result.exitCode = try ExecStatus.exitCode(status, server: server)
      end(.success(result))
    } catch {
      end(.failure(error))
    }
  }
}
