import Deploy
import Images
import KubeAPI
import Manifests

extension ImageBuilder: ImageBuilding {}

/// `ImageLoader`; its output is shown only if it fails.
struct ProductLoader: ImageLoading {
  let loader: ImageLoader

  func load(_ image: BuiltImage) async throws(BuildError) -> String { try await loader.load(image) }
}

struct ClusterDeployer: ManifestDeploying {
  let deployer: Deployer

  func apply(_ manifests: [Manifest]) async throws(DeployError) -> Applied { try await deployer.apply(manifests) }
  func prune(keeping: [ObjectID]) async throws(DeployError) -> [ObjectID] { try await deployer.prune(keeping: keeping) }
  func waitReady(_ applied: Applied, onProgress: @escaping @Sendable (ReadinessProgress) -> Void)
    async throws(DeployError)
  {
    try await deployer.waitReady(applied, onProgress: onProgress)
  }
  func settle(_ applied: Applied) async throws(DeployError) { try await deployer.settle(applied) }
  func watchTrouble(_ applied: Applied, onChange: @escaping @Sendable (Trouble) -> Void) async throws(DeployError) {
    try await deployer.watchTrouble(applied, onChange: onChange)
  }
  func delete() async throws(DeployError) -> [ObjectID] { try await deployer.delete() }
}

struct ClusterSync: FileSyncing {
  let sync: FileSync

  func prepare(images: [String]) async { await sync.prepare(images: images) }

  func sync(_ changes: [FileChange], image: String) async throws(DeployError) -> Int {
    try await sync.sync(changes, image: image).targets.count
  }
}

extension ContainerCommands: ContainerCommanding {}

struct ClusterMirror: ObjectMirroring {
  let mirror: RemoteMirror
  let source: String

  func mirror(for manifests: [Manifest]) async throws(DeployError) -> (copied: [ObjectID], problems: [String]) {
    let missing = try await mirror.missing(for: manifests)
    guard !missing.isEmpty else { return ([], []) }
    let result = try await mirror.copy(missing)
    return (
      result.copied,
      result.unavailable.map {
        "\($0.reference.id), which \($0.reference.usedBy) needs, cannot be copied from \(source): \($0.reason)"
      }
    )
  }
}

/// Follows the logs of a run until its task is cancelled, even if the API server is away meanwhile.
struct ClusterLogs: Sendable {
  let client: KubeClient
  let run: String
  let scope: RunScope

  func follow(_ line: @escaping @Sendable (DevEvent.Log) -> Void) async {
    var since: String?
    while !Task.isCancelled {
      do {
        for try await entry in PodLogs(client: client, run: run, scope: scope, since: since) {
          since = entry.time
          line(DevEvent.Log(namespace: entry.namespace, pod: entry.pod, container: entry.container, text: entry.text))
        }
      } catch {
        try? await Task.sleep(for: .seconds(2))
      }
    }
  }
}
