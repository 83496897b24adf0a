import CShell
import Glibc
import ShellChannel

/// The route to the daemon's socket.
final class DaemonDoor {
  private let path: String
  private let folder: Int32
  private let file: String

  init(path: String) throws(ShellError) {
    self.path = path
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    file = String(path[path.index(after: slash)...])
    folder = try check(
      cshell_open_path(slash == path.startIndex ? "/" : String(path[..<slash])), "open the folder of \(path)",
      advice: "devtunnel status")
  }

  deinit { close(folder) }

  func connect() throws(ShellError) -> ShellConnection {
    do {
      return try ShellConnection.connect(path: "/proc/self/fd/\(folder)/\(file)")
    } catch {
      guard case .system(_, let errno) = error else {
        throw ShellError("connect to the daemon at \(path)", reason: "\(error)")
      }
      throw ShellError(
        "connect to the daemon at \(path)", errno: errno, advice: "check that it runs: devtunnel status")
    }
  }
}
