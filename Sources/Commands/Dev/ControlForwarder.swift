import ControlAPI
import DevLoop
import Synchronization

/// The loop's port-forwards, which the daemon keeps for as long as the command lives.
struct ControlForwarder: PortForwarding {
  let client: ControlClient
  let cluster: ClusterSelection

  func open(_ forward: PortForward, host: UInt16) async throws(LoopError) -> any OpenPortForward {
    var cluster = cluster
    cluster.namespace = forward.namespace
    var request = ForwardRequest(
      cluster: cluster, target: forward.target, ports: [.init(host: host, remote: forward.port)])
    request.address = forward.address
    request.foreground = true
    request.newestPod = true
    let handle = HeldPortForward()
    let (started, start) = AsyncStream.makeStream(of: ControlError?.self)
    handle.begin { [client, request] in
      do throws(ControlError) {
        _ = try await client.call(request, holding: { _ in start.yield(nil) })
        start.finish()
      } catch {
        start.yield(error)
        start.finish()
      }
    }
    let outcome = await withTaskCancellationHandler {
      await started.first { _ in true }
    } onCancel: {
      handle.cancel()
    }
    switch outcome {
    case .some(.none): return handle
    case .some(.some(let error)): throw LoopError(error, forward)
    case .none:
      throw LoopError(.forwarding, "\(forward.target):\(forward.port): the daemon ended before the port listened")
    }
  }
}

/// A call to the daemon that lasts as long as the forward.
private final class HeldPortForward: OpenPortForward {
  private let task = Mutex<Task<Void, Never>?>(nil)
  private let ended = Mutex(false)

  var isOpen: Bool { !ended.withLock { $0 } }

  func begin(_ call: @escaping @Sendable () async -> Void) {
    let task = Task {
      await call()
      self.ended.withLock { $0 = true }
    }
    self.task.withLock { $0 = task }
  }

  func cancel() { task.withLock { $0 }?.cancel() }

  func ended() async {
    let task = task.withLock { $0 }
    await task?.value
  }

  func close() async {
    let task = task.withLock { $0 }
    task?.cancel()
    await task?.value
  }
}

extension LoopError {
  fileprivate init(_ error: ControlError, _ forward: PortForward) {
    self.init(
      .forwarding, "\(forward.target):\(forward.port): \(error.message)", details: error.details, remedy: error.remedy)
    isCancelled = error.code == .cancelled
  }
}
