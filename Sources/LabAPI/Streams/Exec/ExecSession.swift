import KubeObjects
import LabStore
import NIOCore

/// One command in a Pod and its streams, on the event loop of the client's connection, so that both share their
/// back-pressure.
///
/// It belongs to that event loop: everything but `init` is called there.
final class ExecSession {
  enum Output { case standardOutput, standardError }

  enum Event {
    case bytes(ByteBuffer, Output)
    /// It has ended and said everything, or could not be started: a `Status`. Nothing follows.
    case ended(JSONValue)
    /// `isWritable` may have changed.
    case writabilityChanged
  }

  /// The most bytes that are taken before the command runs.
  private static let earlyLimit = 64 * 1024

  private let eventLoop: any EventLoop
  private let wantsBytes: () -> Bool
  private var onEvent: ((Event) -> Void)?
  private var process: ExecProcess?
  private var input: ExecPipe?
  private var outputs: [ExecPipe] = []
  private var openOutputs = 0
  private var early = ByteBuffer()
  private var endsInput = false
  private var isInputOpen = false
  private var size: TerminalSize?
  private var exitStatus: Int?

  init(eventLoop: any EventLoop, wantsBytes: @escaping () -> Bool, onEvent: @escaping (Event) -> Void) {
    self.eventLoop = eventLoop
    self.wantsBytes = wantsBytes
    self.onEvent = onEvent
  }

  func start(_ node: any NodeStreams, _ pod: ObjectKey, _ request: ExecRequest) {
    let promise = eventLoop.makePromise(of: ExecProcess.self)
    promise.completeWithTask { try await node.exec(namespace: pod.namespace, pod: pod.name, request) }
    promise.futureResult.assumeIsolated().whenComplete { result in
      switch result {
      case .success(let process): self.adopt(process)
      case .failure(let error): self.finish(ExecStatus.failed("\(error)"))
      }
    }
  }

  // MARK: From the client

  var isWritable: Bool {
    if isInputOpen { return input?.isWritable ?? true }
    return early.readableBytes < Self.earlyLimit
  }

  func write(_ bytes: ByteBuffer) {
    guard !endsInput else { return }
    if isInputOpen { input?.write(bytes) } else { early.writeImmutableBuffer(bytes) }
  }

  /// The command reads an end, and can still write.
  func endInput() {
    guard !endsInput else { return }
    endsInput = true
    if isInputOpen { input?.close(afterWriting: true) }
  }

  func resize(_ size: TerminalSize) {
    self.size = size
    process?.resize(size.columns, size.rows)
  }

  /// Reads on from the command, if the client takes more.
  func resume() { for output in outputs { output.resume() } }

  /// The client is gone: so is the command.
  func close() {
    onEvent = nil
    process?.kill()
    input?.close()
    for output in outputs { output.close() }
  }

  // MARK: From the command

  private func adopt(_ process: ExecProcess) {
    self.process = process
    guard onEvent != nil else {
      process.kill()
      for descriptor in [process.standardInput, process.standardOutput, process.standardError] {
        descriptor.map(StreamDescriptor.close)
      }
      return
    }
    if let size { process.resize(size.columns, size.rows) }
    for (descriptor, name) in [
      (process.standardOutput, Output.standardOutput), (process.standardError, .standardError),
    ] {
      guard let descriptor else { continue }
      openOutputs += 1
      let pipe = ExecPipe(wantsBytes: wantsBytes) { [weak self] in self?.handle($0, from: name) }
      outputs.append(pipe)
      pipe.open(descriptor, .fromCommand, on: eventLoop)
    }
    if let descriptor = process.standardInput { openInput(descriptor) } else { isInputOpen = true }
    let promise = eventLoop.makePromise(of: Int.self)
    promise.completeWithTask { await process.exitStatus() }
    promise.futureResult.assumeIsolated().whenSuccess { status in
      self.exitStatus = status
      self.finishIfDone()
    }
    onEvent?(.writabilityChanged)
  }

  private func openInput(_ descriptor: Int32) {
    let pipe = ExecPipe(wantsBytes: { false }) { [weak self] _ in
      guard let self else { return }
      if !isInputOpen {
        isInputOpen = true
        if early.readableBytes > 0 { input?.write(early) }
        if endsInput { input?.close(afterWriting: true) }
        early = ByteBuffer()
      }
      onEvent?(.writabilityChanged)
    }
    input = pipe
    pipe.open(descriptor, .toCommand, on: eventLoop)
  }

  private func handle(_ event: ExecPipe.Event, from output: Output) {
    switch event {
    case .bytes(let bytes): onEvent?(.bytes(bytes, output))
    case .writabilityChanged: break
    case .closed:
      openOutputs -= 1
      finishIfDone()
    }
  }

  private func finishIfDone() {
    if openOutputs == 0, let exitStatus { finish(ExecStatus.ended(exitStatus)) }
  }

  private func finish(_ status: JSONValue) {
    let handler = onEvent
    onEvent = nil
    input?.close()
    handler?(.ended(status))
  }
}
