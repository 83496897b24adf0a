import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// Accepts TLS connections and serves each in a task of its own, until it is cancelled.
struct HTTPListener: Sendable {
  /// A connection's kind, known after its first request.
  enum Connection: Sendable {
    case http(NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>)
    /// Upgraded to a port-forward or a command, whose handlers need no task: this one only waits for the end.
    case upgraded(any Channel)
  }

  private let server: NIOAsyncChannel<EventLoopFuture<Connection>, Never>
  private let api: APIServer

  /// The port that is listened on.
  var port: Int { server.channel.localAddress?.port ?? 0 }

  /// - Throws: `LabError` where the address cannot be listened on or the certificates are no good.
  static func listen(_ configuration: LabConfiguration, certificates: LabCertificates, api: APIServer) async throws
    -> HTTPListener
  {
    let context: NIOSSLContext
    do { context = try tlsContext(certificates) } catch {
      throw LabError(
        .certificates,
        "the certificates in \(configuration.stateDirectory) are no good (\(error)): remove them and start again")
    }
    let upgrades = StreamUpgrades(api: api).upgraders
    do {
      let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .serverChannelOption(.backlog, value: 1024)
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .bind(host: configuration.address, port: configuration.port) { channel in
          channel.eventLoop.makeCompletedFuture { try configure(channel, tls: context, upgrades: upgrades) }
        }
      return HTTPListener(server: server, api: api)
    } catch {
      let place = "\(configuration.address):\(configuration.port)"
      throw LabError(
        .listen,
        "the lab's API server cannot listen on \(place) (\(error)): is another lab running? choose another port")
    }
  }

  func serve() async throws {
    try await server.executeThenClose { connections in
      try await withThrowingDiscardingTaskGroup { group in
        for try await connection in connections {
          group.addTask { await serve(connection) }
        }
      }
    }
  }

  private func serve(_ connection: EventLoopFuture<Connection>) async {
    do {
      switch try await connection.get() {
      case .http(let channel): try await HTTPConnection(channel: channel, api: api).serve()
      case .upgraded(let channel):
        try await withTaskCancellationHandler {
          try await channel.closeFuture.get()
        } onCancel: {
          channel.close(promise: nil)
        }
      }
    } catch {
      // A client that leaves, or speaks no TLS, is no fault of the server's.
      api.logger.debug("connection ended", metadata: ["error": "\(error)"])
    }
  }

  private static func configure(
    _ channel: any Channel, tls: NIOSSLContext, upgrades: [any NIOTypedHTTPServerProtocolUpgrader<Connection>]
  ) throws -> EventLoopFuture<Connection> {
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(NIOSSLServerHandler(context: tls))
    let upgrade = NIOTypedHTTPServerUpgradeConfiguration<Connection>(upgraders: upgrades) { channel in
      channel.eventLoop.makeCompletedFuture { .http(try NIOAsyncChannel(wrappingChannelSynchronously: channel)) }
    }
    var configuration = NIOUpgradableHTTPServerPipelineConfiguration(upgradeConfiguration: upgrade)
    // Requests are taken one after the other anyway.
    configuration.enablePipelining = false
    let connection = try pipeline.configureUpgradableHTTPServerPipeline(configuration: configuration)
    let upgradeHandler = try pipeline.handler(type: NIOTypedHTTPServerUpgradeHandler<Connection>.self)
    try pipeline.addHandler(UpgradeFilter(), position: .before(upgradeHandler))
    return connection
  }

  private static func tlsContext(_ certificates: LabCertificates) throws -> NIOSSLContext {
    func chain(_ text: String) throws -> [NIOSSLCertificate] { try NIOSSLCertificate.fromPEMBytes(Array(text.utf8)) }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try chain(certificates.serverCertificate).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(certificates.serverKey.utf8), format: .pem)))
    configuration.trustRoots = .certificates(try chain(certificates.authority))
    configuration.certificateVerification = .optionalVerification
    configuration.applicationProtocols = ["http/1.1"]
    configuration.minimumTLSVersion = .tlsv12
    return try NIOSSLContext(configuration: configuration)
  }
}
