import Deploy
import Images
import KubeAPI
import Manifests
import Skaffold
import Synchronization

@testable import DevLoop

/// A builder whose images are numbers.
final class FakeBuilder: ImageBuilding {
  enum Behaviour: Sendable {
    case succeed
    /// Another image each time it is asked; else the same while `succeed` is set.
    case fail(String)
    /// Until it is cancelled.
    case hang
  }

  private struct State {
    var behaviour = Behaviour.succeed
    var builds: [[String]] = []
    var cancelled = 0
    var serial = 0
    var pruned: [[String]] = []
  }

  private let state = Mutex(State())

  var behaviour: Behaviour {
    get { state.withLock { $0.behaviour } }
    set { state.withLock { $0.behaviour = newValue } }
  }

  /// The images of each call, in their order.
  var builds: [[String]] { state.withLock { $0.builds } }
  var cancelled: Int { state.withLock { $0.cancelled } }
  /// The builds that have read their behaviour and hang, one for each.
  let hanging = Gate()
  /// The images of each call, in their order, and how many older ones stay.
  var pruned: [[String]] { state.withLock { $0.pruned } }

  func prune(_ artifacts: [Artifact], keeping count: Int) async {
    state.withLock { $0.pruned.append(artifacts.map { "\($0.image) \(count)" }) }
  }

  func build(
    _ artifacts: [Artifact], tags: [String: String], output: @escaping @Sendable (String, String) -> Void
  ) async throws(BuildError) -> [BuiltImage] {
    let behaviour = state.withLock { state in
      state.builds.append(artifacts.map(\.image))
      state.serial += 1
      return state.behaviour
    }
    switch behaviour {
    case .succeed: break
    case .fail(let message):
      throw BuildError(.stepFailed, message, artifact: artifacts.first?.image, output: ["the last line"])
    case .hang:
      try? await hanging.hold()
      state.withLock { $0.cancelled += 1 }
      throw BuildError(.cancelled, "cancelled")
    }
    let serial = state.withLock { $0.serial }
    return artifacts.map { artifact in
      BuiltImage(
        name: artifact.image, tag: tags[artifact.image] ?? "", id: "sha256:\(artifact.image)\(serial)",
        store: BuilderStore(.buildah),
        isFromCache: false, duration: .zero)
    }
  }
}

struct FakeLoader: ImageLoading {
  func load(_ image: BuiltImage) async throws(BuildError) -> String { "\(image.name):\(image.immutableTag)" }
}

/// A cluster that remembers.
final class FakeCluster: ManifestDeploying, FileSyncing, ContainerCommanding {
  private struct State {
    var applies: [[Manifest]] = []
    var kept: [[ObjectID]] = []
    var synced: [[FileChange]] = []
    var applyFailure: DeployError?
    var readyFailure: DeployError?
    var syncFailure: DeployError?
    var settleFailure: DeployError?
    var deleteFailure: DeployError?
    var created: [String] = []
    var isDeleted = false
    var watches: [@Sendable (Trouble) -> Void] = []
    var prepared: [[String]] = []
    var commands: [String] = []
  }

  private let state = Mutex(State())

  var applies: [[String]] { state.withLock { $0.applies.map { $0.map(\.id.description) } } }
  var manifests: [[Manifest]] { state.withLock { $0.applies } }
  var kept: [[ObjectID]] { state.withLock { $0.kept } }
  var synced: [[FileChange]] { state.withLock { $0.synced } }
  var isDeleted: Bool { state.withLock { $0.isDeleted } }

  func failNextApply(_ error: DeployError?) { state.withLock { $0.applyFailure = error } }
  func failReady(_ error: DeployError?) { state.withLock { $0.readyFailure = error } }
  func failSettling(_ error: DeployError?) { state.withLock { $0.settleFailure = error } }
  func failDelete(_ error: DeployError?) { state.withLock { $0.deleteFailure = error } }
  /// The next apply finds these namespaces gone, and makes them.
  func loseNamespaces(_ names: [String]) { state.withLock { $0.created = names } }
  func failSync(_ error: DeployError?) { state.withLock { $0.syncFailure = error } }

  func apply(_ manifests: [Manifest]) async throws(DeployError) -> Applied {
    let failure = state.withLock { state in
      state.applies.append(manifests)
      defer { state.applyFailure = nil }
      return state.applyFailure
    }
    if let failure { throw failure }
    let created = state.withLock { state in
      defer { state.created = [] }
      return state.created
    }
    return Applied(
      objects: manifests.map { manifest in
        var id = manifest.id
        id.namespace = id.namespace ?? "default"
        return AppliedObject(
          id: id, resource: .deployments, uid: "u", generation: 1, resourceVersion: "1", change: .created,
          position: manifest.position)
      }, createdNamespaces: created)
  }

  func prune(keeping: [ObjectID]) async throws(DeployError) -> [ObjectID] {
    state.withLock { $0.kept.append(keeping) }
    return []
  }

  func waitReady(_ applied: Applied, onProgress: @escaping @Sendable (ReadinessProgress) -> Void)
    async throws(DeployError)
  {
    if let failure = state.withLock({ $0.readyFailure }) { throw failure }
  }

  func settle(_ applied: Applied) async throws(DeployError) {
    if let failure = state.withLock({ $0.settleFailure }) { throw failure }
  }

  func watchTrouble(_ applied: Applied, onChange: @escaping @Sendable (Trouble) -> Void) async throws(DeployError) {
    state.withLock { $0.watches.append(onChange) }
    try? await Task.sleep(for: .seconds(60))
    throw DeployError(.cancelled, "cancelled")
  }

  /// The number of times that a watch of the running Pods began.
  var watches: Int { state.withLock { $0.watches.count } }
  /// Tells the latest watch.
  func tell(_ trouble: Trouble) { state.withLock { $0.watches.last }?(trouble) }

  func delete() async throws(DeployError) -> [ObjectID] {
    if let failure = state.withLock({ $0.deleteFailure }) { throw failure }
    state.withLock { $0.isDeleted = true }
    return [ObjectID(apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "app")]
  }

  /// The hooks that ran in containers, with the image and the step.
  var commands: [String] { state.withLock { $0.commands } }

  func run(_ hook: ContainerHook, image: String?, step: String?, line: @escaping @Sendable (String) -> Void)
    async throws(DeployError) -> Int
  {
    state.withLock { state in
      state.commands.append("\(hook.text), \(image ?? "any"), \(step ?? "each time"), \(state.synced.count) syncs")
    }
    if hook.text == "false" { throw DeployError(.invalid, "it ended with status 1") }
    line("reloaded")
    return hook.text == "nobody" ? 0 : 1
  }

  func prepare(images: [String]) async { state.withLock { $0.prepared.append(images) } }

  /// The images whose containers were to have a command ahead of the first sync.
  var prepared: [[String]] { state.withLock { $0.prepared } }

  func sync(_ changes: [FileChange], image: String) async throws(DeployError) -> Int {
    if let failure = state.withLock({ $0.syncFailure }) { throw failure }
    state.withLock { $0.synced.append(changes) }
    return 1
  }
}
