import KubeAPI
import Relay

/// What a command in a container wrote, and how it ended.
public struct ExecResult: Sendable, Hashable {
  public var stdout: [UInt8]
  public var stderr: [UInt8]
  public var exitCode: Int

  public init(stdout: [UInt8], stderr: [UInt8], exitCode: Int) {
    self.stdout = stdout
    self.stderr = stderr
    self.exitCode = exitCode
  }
}

extension KubeClient {
  /// Runs a command in a container to its end (Kubernetes API, `pods/exec`; RBAC wants `get` and `create` on it).
  /// - Parameters:
  ///   - container: nil for the Pod's only or default one.
  ///   - stdin: given to the command, then closed (Kubernetes 1.30 and later; an older server leaves it open); nil for none.
  ///   - outputLimit: bytes kept of each of stdout and stderr; what is more is dropped.
  /// - Throws: when the command could not be started, or the connection broke before its end. When the task is cancelled, `.cancelled`, and the
  ///   connection closes; the command then sees its stdin and stdout closed.
  public func exec(
    pod: String, namespace: String? = nil, container: String? = nil, command: [String], stdin: [UInt8]? = nil, outputLimit: Int = 1 << 20
  ) async throws(KubeError) -> ExecResult {
    var query = command.map { ("command", $0) }
    if let container { query.append(("container", container)) }
    query += [("stdout", "true"), ("stderr", "true")]
    if stdin != nil { query.append(("stdin", "true")) }
    let path = APIResource.pods.path(namespace: namespace ?? access.namespace, name: pod, subresource: "exec")
    let connection = try await dialWebSocket(path: path, query: query, subprotocols: [ExecChannels.v5, ExecChannels.v4])
    guard let thread = RelayThread() else { throw .transport(problem: "no thread or epoll instance could be had") }
    let server = access.server.description
    let exchange = ExecExchange(connection: connection, stdin: stdin, outputLimit: outputLimit, server: server)
    let box = OnThread(exchange)
    let result: Result<ExecResult, KubeError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        thread.submit { loop in
          box.get(on: loop).start(on: loop) { result in
            continuation.resume(returning: result)
            loop.stop()
          }
        }
      }
    } onCancel: {
      thread.submit { loop in box.get(on: loop).end(.failure(.cancelled)) }
    }
    return try result.get()
  }
}

/// The exchange on its way to its thread.
///
/// Unchecked: it is reached through a loop alone, and a loop is only had on its own thread (`RelayThread.submit`).
private struct OnThread: @unchecked Sendable {
  private let exchange: ExecExchange

  init(_ exchange: ExecExchange) { self.exchange = exchange }

  func get(on loop: EventLoop) -> ExecExchange { exchange }
}
