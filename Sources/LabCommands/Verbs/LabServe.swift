import ArgumentParser
import Commands
import ControlAPI
import FoundationEssentials
import Glibc
import LabAPI
import LabNode
import LabStore
import Logging
import UnixSignals

/// The hidden command that `lab up` starts. Runs until SIGTERM, and removes its containers and namespaces.
struct LabServe: AsyncParsableCommand, HandlesSignals {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Runs a lab in the foreground.", shouldDisplay: false)

  @Option(help: ArgumentHelp("The API server's port on 127.0.0.1 (default: any free one).", valueName: "port"))
  var port: UInt16 = 0

  @OptionGroup var lab: LabOptions

  func run() async throws {
    try LabRequirements.checkRoot("serve")
    signal(SIGPIPE, SIG_IGN)
    LoggingSystem.bootstrap(StreamLogHandler.standardError)
    let paths = lab.paths
    try paths.prepare()
    guard let lock = try FileLock.take(paths.lock) else {
      throw ControlError(.conflict, "the lab \(lab.name) runs already")
    }
    paths.give(paths.log)
    guard let process = ProcessIdentity(pid: getpid()) else {
      throw ControlError(.failed, "/proc says nothing about this process", remedy: "mount /proc")
    }
    let record = LabRecord(
      pid: process.pid, started: process.started, since: Date().formatted(.iso8601), server: nil)
    try record.write(paths)
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    do { try await serve(paths, record, signals) } catch let error as LabError {
      throw ControlError(.failed, error.message)
    } catch let error as LabNodeError {
      throw ControlError(.failed, error.message)
    }
    withExtendedLifetime(lock) {}
  }

  private func serve(_ paths: LabPaths, _ record: LabRecord, _ signals: UnixSignalsSequence) async throws {
    let logger = Logger(label: "lab")
    var configuration = LabNodeConfiguration(stateDirectory: paths.node)
    configuration.labName = "devtunnel-lab-" + paths.name
    let store = ObjectStore()
    let node = try LabNode(configuration: configuration, store: store, logger: logger)
    try await node.prepareSampleImages()
    let server = LabServer(
      configuration: LabConfiguration(
        stateDirectory: paths.server, port: Int(port), serviceCIDR: configuration.serviceNetwork,
        dnsAddress: configuration.clusterDNS,
        nodeName: configuration.nodeName),
      store: store, node: node, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for await _ in signals { return } }
      group.addTask { try await node.run() }
      group.addTask {
        try await server.run { port in
          var record = record
          record.server = "https://127.0.0.1:\(port)"
          do {
            try paths.publishKubeconfig()
            try record.write(paths)
          } catch {
            logger.error("the lab cannot be announced", metadata: ["why": "\(error)"])
          }
        }
      }
      defer { group.cancelAll() }
      // Ends on a signal, or when the first of the two fails.
      try await group.next()
      node.shutdown()
      group.cancelAll()
      // Any other failure now follows from the order to end.
      while let result = await group.nextResult() {
        if case .failure(let error) = result, error is LabNodeError { throw error }
      }
    }
  }
}
