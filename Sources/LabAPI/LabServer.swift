import LabStore
import Logging

/// The lab's control plane: an API server that kubectl takes for Kubernetes, and the controllers that a Deployment
/// needs.
///
/// A node beside it runs the Pods. It reads and writes the same store, and gives this server the streams of its
/// containers.
public struct LabServer: Sendable {
  public let configuration: LabConfiguration
  private let store: any ObjectStoring
  private let node: any NodeStreams
  private let logger: Logger

  public init(configuration: LabConfiguration, store: any ObjectStoring, node: any NodeStreams, logger: Logger) {
    self.configuration = configuration
    self.store = store
    self.node = node
    self.logger = logger
  }

  /// Serves until the task is cancelled.
  /// - Parameter ready: called once with the port, when the kubeconfig is written and requests are answered.
  /// - Throws: `LabError` where the server cannot start.
  public func run(ready: @escaping @Sendable (_ port: Int) async -> Void = { _ in }) async throws {
    let addresses = try ServiceAddresses(cidr: configuration.serviceCIDR)
    let names = [
      configuration.address, "localhost", "kubernetes.default.svc", "kubernetes.default", addresses.first.description,
    ]
    let certificates = try await LabCertificates.prepare(
      in: configuration.stateDirectory, names: names + configuration.extraNames)
    let api = APIServer(
      store: store, node: node, addresses: addresses, authenticator: Authenticator(tokens: configuration.tokens),
      logger: logger)
    let listener = try await HTTPListener.listen(configuration, certificates: certificates, api: api)
    let port = listener.port
    try await Bootstrap(store: store, addresses: addresses, configuration: configuration).run(port: port)
    let server = "https://\(configuration.address):\(port)"
    try StateFiles.write(Kubeconfig.text(server: server, certificates: certificates), to: configuration.kubeconfigPath)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await listener.serve() }
      group.addTask {
        await Controllers(store: store, addresses: addresses, nodeName: configuration.nodeName, logger: logger).run()
      }
      await ready(port)
      try await group.next()
      group.cancelAll()
    }
  }
}
