import ControlAPI
import Foundation
import Subprocess
import Testing

/// `devtunnel`, for a user whose directories are the lab's.
struct Command: Sendable {
  let directory: String
  private let executable: String
  private let variables: [String: String]
  /// Words before the command's own.
  var wrapper: [String] = []

  /// - Parameters:
  ///   - name: of the user's folder, below the lab's.
  ///   - kubeconfig: a file of the lab's directory.
  init(_ lab: Lab, _ name: String = "user", kubeconfig: String = "kubeconfig") throws {
    executable = try #require(Lab.executable)
    directory = "\(lab.directory)/\(name)"
    try FileManager.default.createDirectory(
      atPath: directory + "/run", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    variables = [
      "HOME": directory, "KUBECONFIG": "\(lab.directory)/\(kubeconfig)", "XDG_RUNTIME_DIR": directory + "/run",
      "XDG_STATE_HOME": directory + "/state",
      "XDG_CONFIG_HOME": directory + "/config", "LAB": lab.directory,
    ]
  }

  /// For another user.
  fileprivate init(_ executable: String, directory: String, variables: [String: String], wrapper: [String]) {
    self.executable = executable
    self.directory = directory
    self.wrapper = wrapper
    self.variables = variables
  }

  /// - Throws: `RequestFailure` unless it ends well.
  @discardableResult
  func callAsFunction(_ arguments: String...) async throws -> String {
    let outcome = try await run(arguments)
    guard outcome.code == 0 else { throw RequestFailure("devtunnel \(arguments.joined(separator: " ")): \(outcome)") }
    return outcome.output
  }

  func run(_ arguments: [String]) async throws -> Outcome {
    let words = wrapper + [executable] + arguments
    let environment = variables.map { (Environment.Key(rawValue: $0.key)!, Optional($0.value)) }
    let done = try await Subprocess.run(
      .path(.init(words[0])), arguments: Arguments(Array(words.dropFirst())),
      environment: .inherit.updating(Dictionary(uniqueKeysWithValues: environment)),
      output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    guard case .exited(let code) = done.terminationStatus else {
      return Outcome(code: -1, output: done.standardOutput, errors: done.standardError)
    }
    return Outcome(code: code, output: done.standardOutput, errors: done.standardError)
  }

  /// Runs a test with it, and ends its daemon afterwards.
  func during(_ test: () async throws -> Void) async throws {
    do { try await test() } catch {
      _ = try? await self("quit")
      throw error
    }
    try await self("quit")
  }

  func status() async throws -> StatusReport {
    try JSONDecoder().decode(StatusReport.self, from: Data(try await self("status", "--output", "json").utf8))
  }

  func daemon() async throws -> Int32 { Int32(try #require(try await status().daemon?.pid)) }
}

/// The user `nobody`, with a folder and programs that this user may read; for tests that root runs.
struct OrdinaryUser: Sendable {
  let command: Command
  private static let id: uid_t = 65534
  private static let wrapper = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]

  static let mayMakeNamespaces: Bool = {
    guard let executable = Lab.executable, FileManager.default.isExecutableFile(atPath: wrapper[0]) else {
      return false
    }
    let folder = "/tmp/devtunnel-probe-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
      try FileManager.default.copyItem(atPath: executable + "-shell", toPath: folder + "/devtunnel-shell")
      let probe = Process()
      probe.executableURL = URL(filePath: wrapper[0])
      probe.arguments = wrapper.dropFirst() + [folder + "/devtunnel-shell", "probe"]
      (probe.standardOutput, probe.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      try probe.run()
      probe.waitUntilExit()
      return probe.terminationStatus == 0
    } catch {
      return false
    }
  }()

  init(_ lab: Lab) throws {
    let files = FileManager.default
    let executable = try #require(Lab.executable)
    // Short, for the sockets in it; not the lab's, which is root's alone.
    let folder = "/tmp/devtunnel-user-\(UUID().uuidString.prefix(8).lowercased())"
    for name in ["", "/run", "/share"] {
      try files.createDirectory(
        atPath: folder + name, withIntermediateDirectories: true,
        attributes: [.posixPermissions: name == "/run" ? 0o700 : 0o755])
    }
    for name in ["devtunnel", "devtunnel-shell"] {
      try files.copyItem(atPath: executable + name.dropFirst("devtunnel".count), toPath: "\(folder)/\(name)")
    }
    let agent = (ProcessInfo.processInfo.environment["DEVTUNNEL_SHARE"] ?? "") + "/devtunnel-agent-amd64"
    try files.copyItem(atPath: agent, toPath: folder + "/share/devtunnel-agent-amd64")
    try files.copyItem(atPath: lab.directory + "/kubeconfig", toPath: folder + "/kubeconfig")
    for name in ["", "/run", "/kubeconfig"] { chown(folder + name, Self.id, Self.id) }
    command = Command(
      folder + "/devtunnel", directory: folder,
      variables: [
        "HOME": folder, "USER": "nobody", "KUBECONFIG": folder + "/kubeconfig", "XDG_RUNTIME_DIR": folder + "/run",
        "XDG_STATE_HOME": folder + "/state",
        "XDG_CONFIG_HOME": folder + "/config", "XDG_CACHE_HOME": folder + "/cache",
        "DEVTUNNEL_SHARE": folder + "/share",
      ], wrapper: Self.wrapper)
  }

  func remove() { try? FileManager.default.removeItem(atPath: command.directory) }
}
