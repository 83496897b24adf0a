import KubeAPI
import Relay

/// A command that runs in a container, its connection served by its own thread. Dropping the last
/// reference closes the connection.
///
/// Unchecked: only the thread's loop uses the exchange.
public final class RunningExec: @unchecked Sendable {
  private let thread: RelayThread
  private let exchange: ExecExchange

  init(_ exchange: ExecExchange) throws(KubeError) {
    guard let thread = RelayThread() else { throw .transport(problem: "cannot create a thread or an epoll instance") }
    self.thread = thread
    self.exchange = exchange
    let box = Box(exchange)
    thread.submit { box.exchange.start(on: $0) }
  }

  deinit {
    let box = Box(exchange)
    thread.submit { _ in box.exchange.end(.failure(.cancelled)) }
    thread.stop()
  }

  /// Gives the command its stdin, closes that, and waits for the command's end. Call it once.
  /// - Throws: as `KubeClient.exec` does.
  public func finish(stdin: [UInt8] = []) async throws(KubeError) -> ExecResult {
    let result: Result<ExecResult, KubeError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        thread.submit { [self] _ in exchange.finish(stdin: stdin) { continuation.resume(returning: $0) } }
      }
    } onCancel: {
      thread.submit { [self] _ in exchange.end(.failure(.cancelled)) }
    }
    return try result.get()
  }

  /// Carries the exchange to its thread out of `deinit`, where `self` cannot go.
  private struct Box: @unchecked Sendable {
    let exchange: ExecExchange
    init(_ exchange: ExecExchange) { self.exchange = exchange }
  }
}
