import KubeAPI
import KubeStreams
import Synchronization

/// The sync's script, started ahead in each container: starting a process there takes about 50 ms, which a save then
/// need not wait for. Each serves one sync; a dead one is replaced by a fresh one.
final class SpareCommands: Sendable {
  /// A container's instance: a restarted one has no spare command yet.
  struct Key: Hashable, Sendable {
    let target: SyncReport.Target
    let instance: String
  }

  private struct State {
    var ready: [Key: RunningExec] = [:]
    var starting: Set<Key> = []
  }

  private let client: KubeClient
  private let state = Mutex(State())

  init(client: KubeClient) { self.client = client }

  /// Takes the spare command, now the caller's.
  func take(_ key: Key) -> RunningExec? { state.withLock { $0.ready.removeValue(forKey: key) } }

  func start(_ target: SyncReport.Target) async throws(KubeError) -> RunningExec {
    try await client.startExec(
      pod: target.pod, namespace: target.namespace, container: target.container,
      command: ["sh", "-c", SyncPayload.script], takesInput: true)
  }

  /// Starts missing spare commands for these containers, and drops all others.
  func prepare(_ keys: [Key]) {
    let missing = state.withLock { state in
      state.ready = state.ready.filter { keys.contains($0.key) }
      let missing = keys.filter { state.ready[$0] == nil && !state.starting.contains($0) }
      state.starting.formUnion(missing)
      return missing
    }
    for key in missing {
      Task { [weak self] in
        let command = try? await self?.start(key.target)
        self?.state.withLock { state in
          state.starting.remove(key)
          state.ready[key] = command
        }
      }
    }
  }
}
