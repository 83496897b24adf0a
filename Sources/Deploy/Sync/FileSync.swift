import KubeAPI
import KubeObjects
import KubeStreams

/// Copies changed files into running containers, by tar over exec (Skaffold, `sync.manual`). Owns the commands that
/// wait in the containers for the next sync: they end with its last copy.
public struct FileSync: Sendable {
  public let client: KubeClient
  public let run: String
  private let scope: RunScope
  private let owners: PodOwners
  private let spares: SpareCommands
  private let memory = SyncMemory()

  /// - Parameter scope: the objects that the run has applied: files go into their Pods alone.
  public init(client: KubeClient, run: String, scope: RunScope) {
    self.client = client
    self.run = run
    self.scope = scope
    owners = PodOwners(client: client, scope: scope)
    spares = SpareCommands(client: client)
  }

  /// Starts the commands that a sync into this image's containers will need, so that it takes a few milliseconds. Worth
  /// a call when the containers are ready.
  /// - Parameter images: as the applied manifests write them.
  public func prepare(images: [String]) async {
    var keys: [SpareCommands.Key] = []
    for image in images { keys += (try? await containers(image)) ?? [] }
    spares.prepare(keys)
  }

  /// Deletes and writes files in every running container of the run with this image. A container that was started since
  /// the last sync also gets the earlier changes.
  /// - Parameter image: as the applied manifests write it.
  /// - Throws: `.needsBuild` if it cannot be done: no container runs, no sh or tar in it, a file that cannot be
  ///   written. Some containers may have been changed.
  public func sync(_ changes: [FileChange], image: String) async throws(DeployError) -> SyncReport {
    let start = ContinuousClock.now
    let payload = try SyncPayload(changes)
    let keys = try await containers(image)
    guard !keys.isEmpty else { throw DeployError(.needsBuild, "no container of \(run) runs the image \(image)") }
    let errors: [DeployError] = await withTaskGroup(of: DeployError?.self) { group in
      for key in keys {
        let missing = memory.missing(in: key, of: image, besides: changes)
        group.addTask {
          do throws(DeployError) {
            let parts = missing.isEmpty ? payload.parts : try SyncPayload(missing + changes).parts
            for part in parts { try await write(part, to: key) }
            return nil
          } catch {
            return error
          }
        }
      }
      return await group.reduce(into: []) { errors, error in if let error { errors.append(error) } }
    }
    if var first = errors.first {
      first.others = Array(errors.dropFirst())
      throw first
    }
    memory.note(changes, in: keys, of: image)
    let duration = ContinuousClock.now - start
    spares.prepare(keys)
    return SyncReport(targets: keys.map(\.target), files: payload.files, bytes: payload.bytes, duration: duration)
  }

  private func write(_ part: [UInt8], to key: SpareCommands.Key) async throws(DeployError) {
    // If a spare command fails, a fresh one repeats the part: deleting and writing twice is the same as once.
    if let spare = spares.take(key), let result = try? await spare.finish(stdin: part), result.exitCode == 0 { return }
    let target = key.target
    let place = "\(target.namespace)/\(target.pod), container \(target.container)"
    let result: ExecResult
    do { result = try await spares.start(target).finish(stdin: part) } catch {
      if case .cancelled = error { throw DeployError(.cancelled, "cancelled") }
      guard case .status(_, _, let message, _) = error else { throw DeployError(error, doing: "syncing into \(place)") }
      let reason =
        message.contains("executable file not found") || message.contains("no such file") ? "it has no sh" : message
      throw DeployError(.needsBuild, "files cannot be synced into \(place): \(reason)")
    }
    guard result.exitCode != 0 else { return }
    throw Self.failure(result.exitCode, words: result.stderr, place: place)
  }

  /// Returns the error for a failed script, with the words of the command that failed.
  static func failure(_ status: Int, words: [UInt8], place: String) -> DeployError {
    let output = String(decoding: words, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    let reason =
      switch status {
      case 127: "it has no tar"
      case 126: "a file cannot be deleted"
      case 125: "its working directory cannot be entered"
      default: "tar ended with \(status)"
      }
    // tar's last line says only that it failed; the first one says what.
    let first = status == 127 ? nil : output.first.map { String($0.prefix(200)) }
    return DeployError(
      .needsBuild, "files cannot be synced into \(place): \([reason, first].compactMap { $0 }.joined(separator: ": "))",
      details: Array(output.dropFirst().prefix(5)))
  }

  /// Returns the running containers of the image, in Pods that are not being deleted.
  private func containers(_ image: String) async throws(DeployError) -> [SpareCommands.Key] {
    var pods: [JSONValue] = []
    for namespace in scope.namespaces.sorted() {
      let found = try await attempt("looking for the Pods of \(run)") { () async throws(KubeError) in
        try await client.list(.pods, namespace: namespace, labels: RunLabel.selector(run)).items
      }
      for pod in found where !pod.isBeingDeleted { if await owners.areOfRun(pod) { pods.append(pod) } }
    }
    return pods.flatMap(RunningContainer.all).filter { $0.image == image }.map { container in
      let target = SyncReport.Target(namespace: container.namespace, pod: container.pod, container: container.name)
      return SpareCommands.Key(target: target, instance: container.instance)
    }
  }
}
