import Foundation
import Testing

/// A folder with a copy of the program, a plan's files and a daemon's socket, all for a user without privileges.
final class ShellFixture {
  /// The user `nobody` if root runs the tests, else the user who runs them.
  static let user: uid_t = getuid() == 0 ? 65534 : getuid()
  static let id = "0123456789abcdef0123456789abcdef"

  /// Beside the tests.
  static let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
    path: "devtunnel-shell")

  /// True if this machine lets users make namespaces; if not, that is printed once.
  static let isAllowed: Bool = {
    guard let fixture = try? ShellFixture(), let shell = try? fixture.start(["probe"]) else { return false }
    let result = withExtendedLifetime(fixture) { shell.result() }
    if result.status != 0 { print("skipped, since this machine forbids shells:\n\(result.output)\(result.errors)") }
    return result.status == 0
  }()

  let folder: URL
  private var daemons: [FakeDaemon] = []
  private var processes: [RunningShell] = []

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "devtunnel-shell-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try FileManager.default.copyItem(at: Self.program, to: folder.appending(path: "devtunnel-shell"))
    try write(
      "resolv.conf", "nameserver 10.96.0.10\nsearch default.svc.cluster.local\noptions ndots:1 timeout:5 attempts:1\n")
    try write("nsswitch.conf", "hosts: files dns\n")
    for path in [folder.path] { _ = chown(path, Self.user, Self.user) }
    chmod(folder.path, 0o755)
  }

  deinit {
    for process in processes { process.kill() }
    killHelpers()
    for daemon in daemons { daemon.end() }
    try? FileManager.default.removeItem(at: folder)
  }

  /// Also those that a test's terminal or namespace has started; their commands end with them.
  private func killHelpers() {
    for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let pid = pid_t(entry), let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
        continue
      }
      if line.starts(with: Data(path("devtunnel-shell").utf8)) { kill(pid, SIGKILL) }
    }
  }

  func path(_ name: String) -> String { folder.appending(path: name).path }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try text.write(toFile: path(name), atomically: false, encoding: .utf8)
    _ = chown(path(name), Self.user, Self.user)
    return path(name)
  }

  func daemon(refusal: String? = nil, saysBye: Bool = true) throws -> FakeDaemon {
    let daemon = try FakeDaemon(path: path("socket"), owner: Self.user, refusal: refusal, saysBye: saysBye)
    daemons.append(daemon)
    return daemon
  }

  /// Writes a plan with these lines more.
  func plan(_ more: String...) throws -> String {
    let lines =
      [
        "socket \(path("socket"))", "id \(Self.id)", "address 198.18.0.2", "dns 10.96.0.10",
        "resolv-conf \(path("resolv.conf"))",
        "nsswitch \(path("nsswitch.conf"))",
      ] + more
    return try write("plan-\(UUID().uuidString)", lines.joined(separator: "\n") + "\n")
  }

  /// Starts a command in a shell.
  func shell(plan: String? = nil, _ command: String...) throws -> RunningShell {
    try start(["run", try plan ?? self.plan(), "--"] + command)
  }

  func start(_ arguments: [String]) throws -> RunningShell {
    let process = try RunningShell(program: path("devtunnel-shell"), arguments: arguments, user: Self.user)
    processes.append(process)
    return process
  }
}

/// devtunnel-shell as the unprivileged user runs it.
final class RunningShell {
  private let process = Process()
  private let output = Pipe()
  private let errors = Pipe()

  init(program: String, arguments: [String], user: uid_t) throws {
    let drop = getuid() == 0 ? ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"] : []
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = drop + [program] + arguments
    process.currentDirectoryURL = URL(filePath: "/")
    process.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "KEPT": "kept as it is"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
  }

  var pid: pid_t { process.processIdentifier }

  func signal(_ signal: Int32) { Foundation.kill(pid, signal) }
  func kill() { if process.isRunning { signal(SIGKILL) } }

  /// A line of its output.
  func line() -> String {
    var bytes: [UInt8] = []
    while let byte = try? output.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Waits for its end. The status is 128 and more only where the program itself says so.
  func result() -> (status: Int32, output: String, errors: String) {
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (
      process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus, text, complaints
    )
  }
}
