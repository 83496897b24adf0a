import CLinux
import Foundation

/// A network namespace whose every address is local, as a shell has it. Gone with its last descriptor.
final class ShellNamespace {
  private let path: String

  static var isPossible: Bool {
    geteuid() == 0
      && ["/usr/sbin/ip", "/usr/sbin/nft", "/usr/bin/nsenter"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: $0)
      }
  }

  init() throws {
    path = NSTemporaryDirectory() + "outbound-" + UUID().uuidString
    let status = clinux_ns_create(path)
    guard status == 0 else { throw POSIXError(POSIXErrorCode(rawValue: -status) ?? .EPERM) }
    try run("ip", "link", "set", "lo", "up")
    try run("ip", "address", "add", "10.255.0.2/32", "dev", "lo")
    try run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo", "src", "10.255.0.2")
  }

  deinit { clinux_ns_delete(path) }

  func run(_ words: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
    process.arguments = ["--net=" + path] + words
    process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw POSIXError(.EINVAL) }
  }

  /// Makes a descriptor inside.
  func inside(_ make: @escaping @Sendable () -> Int32) -> Int32 {
    nonisolated(unsafe) var fd: Int32 = -1
    let done = DispatchSemaphore(value: 0)
    let path = path
    let thread = Thread {
      if clinux_ns_enter(path) == 0 { fd = make() }
      done.signal()
    }
    thread.start()
    done.wait()
    return fd
  }
}
