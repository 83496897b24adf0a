import Foundation
import LabAPI
import LabStore
import Logging
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// A whole lab with a fake node, on a free port of this machine, and the kubectl to try it with.
struct LabFixture: Sendable {
  struct Output: Sendable {
    var isSuccess: Bool
    var text: String
    var errors: String
  }

  /// The kubectl to use: `KUBECTL` names it, else it is looked for in `PATH`; nil: there is none.
  static let kubectl: String? = {
    let environment = ProcessInfo.processInfo.environment
    let places = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/kubectl" }
    return ([environment["KUBECTL"]].compactMap { $0 } + places).first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }()

  let directory: String
  let store: ObjectStore

  /// Runs a lab around a test; everything is gone afterwards.
  static func run(ports: [UInt16: UInt16] = [:], _ test: @Sendable @escaping (LabFixture) async throws -> Void)
    async throws
  {
    let directory = FileManager.default.temporaryDirectory.path + "/lab-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = ObjectStore()
    let node = FakeNode(store: store, ports: ports)
    var logger = Logger(label: "lab")
    logger.logLevel = .error
    let server = LabServer(
      configuration: LabConfiguration(stateDirectory: directory), store: store, node: node, logger: logger)
    let (isReady, continuation) = AsyncStream.makeStream(of: Void.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { continuation.finish() }
        try await server.run { _ in continuation.yield() }
      }
      group.addTask { try await node.run() }
      for await _ in isReady {
        try await test(LabFixture(directory: directory, store: store))
        break
      }
      group.cancelAll()
    }
  }

  func kubectl(_ arguments: String..., input: String = "", environment: [String: String] = [:]) async throws -> Output {
    try await kubectl(arguments: arguments, input: input, environment: environment)
  }

  func kubectl(arguments: [String], input: String = "", environment: [String: String] = [:]) async throws -> Output {
    // From a file: Subprocess 1.0 ends the whole process where a program leaves a pipe unread.
    let file = directory + "/input-" + UUID().uuidString
    try input.write(toFile: file, atomically: false, encoding: .utf8)
    let result = try await Subprocess.run(
      .path(.init(Self.kubectl ?? "kubectl")), arguments: Arguments(arguments),
      environment: self.environment(environment),
      input: .fileDescriptor(
        try .open(FilePath(file), .readOnly, options: .closeOnExec), closeAfterSpawningProcess: true),
      output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    return Output(
      isSuccess: result.terminationStatus.isSuccess, text: result.standardOutput, errors: result.standardError)
  }

  func environment(_ more: [String: String] = [:]) -> Environment {
    var values: [Environment.Key: String?] = ["KUBECONFIG": directory + "/kubeconfig", "HOME": directory]
    for (key, value) in more { values[.init(stringLiteral: key)] = value }
    return .inherit.updating(values)
  }
}
