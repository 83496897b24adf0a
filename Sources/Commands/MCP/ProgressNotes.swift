import ControlAPI
import KubeObjects
import Synchronization

/// Lines of progress as notifications to a client that asked for them with a token.
final class ProgressNotes: Sendable {
  private let token: JSONValue?
  private let send: @Sendable (JSONValue) -> Void
  private let count = Mutex(0)

  /// - Parameter token: nil: the client did not ask.
  init(token: JSONValue?, send: @escaping @Sendable (JSONValue) -> Void) {
    self.token = token
    self.send = send
  }

  var progress: ControlClient.Progress {
    { [self] text in
      guard let token else { return }
      // In the lock, since a client may get no lower number after a higher one.
      count.withLock { count in
        count += 1
        send(
          RPCReply.notification(
            "notifications/progress",
            [
              "progressToken": token, "progress": JSONValue(count),
              "message": .string(EarlyWarning.text(of: text) ?? text),
            ]))
      }
    }
  }
}
