import Deploy
import Images
import Manifests
import Skaffold

// The commands `build`, `deploy`, `render` and `delete`, which run once.

/// One line of the output of `build`.
public struct BuildResult: Sendable, Hashable, Codable {
  /// As the manifests write it.
  public var imageName: String
  /// The reference to deploy: `--images NAME=REFERENCE`.
  public var tag: String

  public init(imageName: String, tag: String) {
    self.imageName = imageName
    self.tag = tag
  }
}

extension LoopSetup {
  /// Builds all artifacts.
  /// - Parameter loading: also brings the images to the cluster; if false, no cluster is asked for anything.
  public func build(loading: Bool, events: @escaping @Sendable (DevEvent) -> Void) async throws(LoopError)
    -> [BuildResult]
  {
    var source = try source(command: "build")
    if !loading {
      let setup = self
      source.parts = { configurations async throws(LoopError) in try await setup.partsWithoutCluster(configurations) }
    }
    let loop = DevLoop(source, options: LoopOptions(environment: project.environment), events: events)
    return try await loop.buildOnce()
  }

  private func partsWithoutCluster(_ configurations: [DevConfiguration]) async throws(LoopError) -> LoopParts {
    let builder = try await builder(configurations, load.map { text throws(LoopError) in try Self.product(text) })
    return LoopParts(
      builder: builder, loader: NoLoader(), deployer: NoCluster(), syncer: NoCluster(),
      description: .init(builder: builder.kind.rawValue, cluster: "", context: "", namespace: ""))
  }

  private static func product(_ text: String) throws(LoopError) -> ClusterProduct {
    do throws(BuildError) { return try ClusterProduct(parsing: text) } catch { throw LoopError(error, .loading) }
  }

  /// Returns the objects with the patches of `options`, and warnings.
  /// - Parameter namespace: of objects that name none; nil leaves them without one.
  public func render(options: LoopOptions, namespace: String?) async throws(LoopError) -> Rendering {
    let configurations = try await configurations(command: "render")
    let patches = ManifestPatches(
      images: options.images, dnsPolicy: options.dnsPolicy, pullPolicy: options.pullPolicy, namespace: namespace)
    do throws(InputError) {
      return try await Rendering.render(
        configurations, patches: patches, trust: project.trust,
        environment: Self.environment(configurations, project), tools: project.environment)
    } catch {
      throw LoopError(error, .rendering)
    }
  }

  /// Deletes the objects of this project's run in the cluster.
  public func delete(waiting: Bool) async throws(LoopError) -> [ObjectID] {
    let configurations = try await configurations(command: "delete")
    let (client, _) = try await cluster(configurations)
    let run = try RunNames(stateDirectory: stateDirectory).name(of: project)
    let deployer = Deployer(client: client, namespace: client.access.namespace, run: run)
    do throws(DeployError) { return try await deployer.delete(waiting: waiting) } catch {
      var failure = LoopError(error, .cleaningUp)
      failure.details += error.deleted.map { "deleted \($0)" }
      throw failure
    }
  }
}

/// A loader that leaves the image in place.
struct NoLoader: ImageLoading {
  func load(_ image: BuiltImage) async throws(BuildError) -> String { image.tag }
}

struct NoBuilder: ImageBuilding {
  func build(_ artifacts: [Artifact], tags: [String: String], output: @escaping @Sendable (String, String) -> Void)
    async throws(BuildError) -> [BuiltImage]
  {
    throw BuildError(.badInput, "nothing is built by this command")
  }

  func prune(_ artifacts: [Artifact], keeping count: Int) async {}
}

private struct NoCluster: ManifestDeploying, FileSyncing {
  private let error = DeployError(.cluster, "nothing is deployed by this command")

  func apply(_ manifests: [Manifest]) async throws(DeployError) -> Applied { throw error }
  func prune(keeping: [ObjectID]) async throws(DeployError) -> [ObjectID] { throw error }
  func waitReady(_ applied: Applied, onProgress: @escaping @Sendable (ReadinessProgress) -> Void)
    async throws(DeployError)
  { throw error }
  func settle(_ applied: Applied) async throws(DeployError) { throw error }
  func watchTrouble(_ applied: Applied, onChange: @escaping @Sendable (Trouble) -> Void) async throws(DeployError) {
    throw error
  }
  func delete() async throws(DeployError) -> [ObjectID] { throw error }
  func prepare(images: [String]) async {}
  func sync(_ changes: [FileChange], image: String) async throws(DeployError) -> Int { throw error }
}
