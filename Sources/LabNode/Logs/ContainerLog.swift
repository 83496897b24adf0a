import CLinux
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// One run of a container: its two output streams, written line by line to a file in the container runtime interface's
/// log format (`<RFC 3339 time> stdout|stderr F|P <text>`; P is part of a longer line).
final class ContainerLog: Sendable {
  private struct State {
    var file: Int32
    var pending: [[UInt8]] = [[], []]
    var openStreams = 2
    var followers: [Int: AsyncStream<Void>.Continuation] = [:]
    var nextFollower = 0
  }

  static let longestLine = 16 * 1024

  let path: String
  /// The write ends, for the container; whoever starts it closes them here.
  let standardOutput: Int32
  let standardError: Int32
  private let state: Mutex<State>

  /// - Throws: `systemCall`.
  init(path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
    guard file >= 0 else { throw LabNodeError(.systemCall, "cannot open the log \(path): \(Files.reason(errno))") }
    var (readEnds, writeEnds): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
    for index in 0...1 where clinux_ns_pipe(&readEnds[index], &writeEnds[index]) < 0 {
      for descriptor in readEnds + writeEnds + [file] where descriptor >= 0 { close(descriptor) }
      throw LabNodeError(.systemCall, "cannot make a pipe for the log \(path)")
    }
    self.path = path
    (standardOutput, standardError) = (writeEnds[0], writeEnds[1])
    state = Mutex(State(file: file))
    // The channels keep the log alive until the container's last process has closed its ends.
    for (index, descriptor) in readEnds.enumerated() {
      NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton).channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(StreamReader(log: self, stream: index))
        }
      }.takingOwnershipOfDescriptor(input: descriptor).whenFailure { _ in
        close(descriptor)
        self.take([], from: index, isLast: true)
      }
    }
  }

  /// True if both streams have ended.
  var hasEnded: Bool { state.withLock { $0.openStreams == 0 } }

  /// A value after each change of the file; the stream ends with the log.
  func changes() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let identity = state.withLock { state -> Int? in
      guard state.openStreams > 0 else { return nil }
      state.nextFollower += 1
      state.followers[state.nextFollower] = continuation
      return state.nextFollower
    }
    guard let identity else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.followers[identity] = nil } }
    continuation.yield()
    return stream
  }

  /// Suspends until both streams have ended, but no longer than `limit`.
  func ended(within limit: Duration) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await _ in self.changes() {} }
      group.addTask { try? await Task.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }

  fileprivate func take(_ chunk: [UInt8], from stream: Int, isLast: Bool) {
    let time = Timestamp.nanoseconds()
    let name = stream == 0 ? "stdout" : "stderr"
    let followers = state.withLock { state -> [AsyncStream<Void>.Continuation] in
      var output: [UInt8] = []
      func write(_ text: some Sequence<UInt8>, _ tag: String) {
        output += Array("\(time) \(name) \(tag) ".utf8)
        output += text
        output.append(10)
      }
      state.pending[stream] += chunk
      var start = 0
      let bytes = state.pending[stream]
      while let end = bytes[start...].firstIndex(of: 10) {
        write(bytes[start..<end], "F")
        start = end + 1
      }
      while bytes.count - start >= Self.longestLine {
        write(bytes[start..<start + Self.longestLine], "P")
        start += Self.longestLine
      }
      state.pending[stream] = Array(bytes[start...])
      if isLast {
        if !state.pending[stream].isEmpty { write(state.pending[stream], "F") }
        state.openStreams -= 1
      }
      output.withUnsafeBytes { _ = Glibc.write(state.file, $0.baseAddress, $0.count) }
      let followers = Array(state.followers.values)
      if state.openStreams == 0 {
        close(state.file)
        state.followers = [:]
      }
      return followers
    }
    let isOver = hasEnded
    for follower in followers {
      follower.yield()
      if isOver { follower.finish() }
    }
  }
}

private final class StreamReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let log: ContainerLog
  private let stream: Int

  init(log: ContainerLog, stream: Int) {
    self.log = log
    self.stream = stream
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    log.take(Array(unwrapInboundIn(data).readableBytesView), from: stream, isLast: false)
  }
  func channelInactive(context: ChannelHandlerContext) { log.take([], from: stream, isLast: true) }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
