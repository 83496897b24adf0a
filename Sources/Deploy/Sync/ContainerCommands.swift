import KubeAPI
import KubeObjects
import KubeStreams
import Skaffold
import Synchronization

/// Runs the hooks of a project in running containers of its run.
public final class ContainerCommands: Sendable {
  private let client: KubeClient
  private let name: String
  private let scope: RunScope
  private let owners: PodOwners
  /// The containers' instances in which a step's hooks ran, by the step.
  private let visited = Mutex<Set<String>>([])

  private static let limit = Duration.seconds(600)

  /// - Parameter scope: the objects that the run has applied: commands run in their Pods alone.
  public init(client: KubeClient, run: String, scope: RunScope) {
    self.client = client
    name = run
    self.scope = scope
    owners = PodOwners(client: client, scope: scope)
  }

  /// Runs a hook in every container that it means.
  /// - Parameters:
  ///   - image: of the containers, as the applied manifests write it; nil: any.
  ///   - step: a container runs the hooks of a step once, as with Skaffold; nil: each time.
  ///   - line: gets the output.
  /// - Returns: the number of containers.
  /// - Throws: if the command fails, with its last lines.
  public func run(
    _ hook: ContainerHook, image: String?, step: String? = nil, line: @escaping @Sendable (String) -> Void
  ) async throws(DeployError) -> Int {
    let all = try await targets().filter { target in
      hook.matches(pod: target.pod, container: target.name) && (image == nil || target.image == image)
    }
    func key(_ target: RunningContainer) -> String? { step.map { "\($0) \(hook.text) \(target.instance)" } }
    let targets = all.filter { target in
      key(target).map { key in !visited.withLock { $0.contains(key) } } ?? true
    }
    let errors = await withTaskGroup(of: DeployError?.self) { group in
      for target in targets {
        group.addTask {
          do throws(DeployError) {
            try await self.run(hook, in: target, line)
            return nil
          } catch {
            return error
          }
        }
      }
      return await group.reduce(into: [DeployError]()) { if let error = $1 { $0.append(error) } }
    }
    if var first = errors.first {
      first.others = Array(errors.dropFirst())
      throw first
    }
    visited.withLock { $0.formUnion(targets.compactMap(key)) }
    return all.count
  }

  private func run(_ hook: ContainerHook, in target: RunningContainer, _ line: @escaping @Sendable (String) -> Void)
    async throws(DeployError)
  {
    let place = "\(target.namespace)/\(target.pod), container \(target.name)"
    let what = "the hook `\(hook.text)` in \(place)"
    let outcome: Result<ExecResult, KubeError>? = await withTaskGroup(of: Result<ExecResult, KubeError>?.self) {
      group in
      group.addTask { [client] in
        do throws(KubeError) {
          return .success(
            try await client.exec(
              pod: target.pod, namespace: target.namespace, container: target.name, command: hook.command))
        } catch { return .failure(error) }
      }
      group.addTask {
        try? await Task.sleep(for: Self.limit)
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    if Task.isCancelled { throw DeployError(.cancelled, "cancelled") }
    guard let outcome else {
      throw DeployError(
        .invalid, "\(what) took more than \(Self.limit)", position: hook.position,
        remedy: "make it end; what it has to start goes into the background")
    }
    let result: ExecResult
    switch outcome {
    case .success(let done): result = done
    case .failure(.status(_, _, let message, _)):
      throw DeployError(
        .invalid, "\(what) cannot be run: \(message)", position: hook.position,
        remedy: "the container's image must have the program")
    case .failure(let error): throw DeployError(error, doing: what)
    }
    let lines = Self.lines(result.stdout) + Self.lines(result.stderr)
    lines.forEach(line)
    guard result.exitCode == 0 else {
      throw DeployError(
        .invalid, "\(what) ended with status \(result.exitCode)", position: hook.position,
        details: Array(lines.suffix(10)), remedy: "run it yourself to see why: kubectl exec")
    }
  }

  private static func lines(_ bytes: [UInt8]) -> [String] {
    String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
  }

  private func targets() async throws(DeployError) -> [RunningContainer] {
    var targets: [RunningContainer] = []
    for namespace in scope.namespaces.sorted() {
      let found = try await attempt("looking for the Pods of \(name)") { () async throws(KubeError) in
        try await client.list(.pods, namespace: namespace, labels: RunLabel.selector(name)).items
      }
      for pod in found where !pod.isBeingDeleted {
        if await owners.areOfRun(pod) { targets += RunningContainer.all(of: pod).filter { !$0.isInit } }
      }
    }
    return targets
  }
}
