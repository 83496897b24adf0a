import CShell
import Glibc
import ShellChannel

/// The channel to the daemon, and to the next one when it restarts.
final class DaemonLink {
  private let door: DaemonDoor
  /// The hello, with the sockets, which stay this object's too.
  private let hello: ShellHello
  private var connection: ShellConnection?
  private var isWelcome = false
  /// True if the daemon has refused this shell: another attempt would end the same way.
  private(set) var isRefused = false

  private static let welcomeWithin: UInt64 = 5000

  init(door: DaemonDoor, hello: ShellHello) {
    self.door = door
    self.hello = hello
  }

  /// Milliseconds between two attempts to find a daemon.
  static let retryEvery: Int32 = 250

  /// The channel's descriptor; -1 without one.
  var fd: Int32 { connection?.fd ?? -1 }
  var isOpen: Bool { connection != nil }
  var isWaitingToWrite: Bool { connection?.isWaitingToWrite ?? false }

  /// Says hello and waits, at most 5 s, until the daemon has taken the sockets.
  func open(over connection: ShellConnection) throws(ShellError) {
    self.connection = connection
    let step = "open the channel to the daemon"
    let deadline = cshell_monotonic_ms() + Self.welcomeWithin
    do {
      try connection.send(.hello(hello))
      while !isWelcome {
        switch try connection.receive() {
        case .welcome: isWelcome = true
        case .refused(let text): throw ShellError("the daemon refused this shell", reason: text)
        case .some:
          throw ShellError(
            step, reason: "it answered with something other than welcome",
            advice: "daemon and devtunnel-shell are of different versions")
        case nil:
          let now = cshell_monotonic_ms()
          guard now < deadline else {
            throw ShellError(step, reason: "it did not answer within 5 s", advice: "check it: devtunnel status")
          }
          var returned: Int16 = 0
          _ = cshell_poll([connection.fd], [cshell_POLLIN], &returned, 1, Int32(deadline - now))
        }
      }
    } catch let error as ShellError {
      throw error
    } catch {
      throw ShellError(step, reason: "\(error)", advice: "check that it runs: devtunnel status")
    }
  }

  /// Looks for a daemon once more and says hello; the welcome may follow later.
  func reopen() {
    guard connection == nil, !isRefused, let next = try? door.connect() else { return }
    guard (try? next.send(.hello(hello))) != nil else { return }
    connection = next
  }

  func drop() { connection = nil }

  /// Answers the daemon's messages; the channel is dropped when it breaks.
  /// - Returns: whether the daemon said bye.
  func turn() -> Bool {
    guard let connection else { return false }
    do {
      try connection.flush()
      while let message = try connection.receive() {
        switch message {
        case .mint(let request, let wanted): try answer(Mint.answer(request, wanted), over: connection)
        case .bye: return true
        case .refused(let text):
          ShellProgram.complain(
            "\(ShellProgram.name): the daemon refused this shell: \(text); the command goes on without a network")
          isRefused = true
          drop()
          return false
        case .welcome: isWelcome = true
        case .hello, .exiting, .minted: throw ShellChannelError.malformed("a helper's message")
        }
      }
    } catch {
      drop()
    }
    return false
  }

  private func answer(_ message: ShellMessage, over connection: ShellConnection) throws(ShellChannelError) {
    do {
      try connection.send(message)
    } catch {
      // Too many descriptors are in flight (unix(7), ETOOMANYREFS): the message is first in line, and is
      // sent without its own.
      guard case .system(_, ETOOMANYREFS) = error, case .minted(let request, _, _) = message else { throw error }
      connection.replaceFirstWaiting(with: .minted(request: request, errno: ETOOMANYREFS, nil))
      try connection.flush()
    }
  }

  /// Reports the command's end to the daemon. False without a channel.
  func sayExiting(code: Int32) -> Bool { connection.flatMap { try? $0.send(.exiting(code: code)) } != nil }
}
