import CControl

/// A look at the user's daemon that starts none, and waits for no longer than it is told to.
public enum DaemonProbe {
  public enum Outcome: Sendable, Hashable {
    case absent
    case answered(StatusReport)
    /// It listens and says nothing; its pid, if the kernel knows it.
    case silent(pid: Int?)
  }

  public static func look(_ paths: ControlPaths, within limit: Duration) async throws(ControlError) -> Outcome {
    guard let client = try ControlClient.ofRunningDaemon(paths: paths) else { return .absent }
    let (answers, feed) = AsyncStream.makeStream(of: Result<StatusReport, ControlError>?.self)
    let question = Task {
      do throws(ControlError) { feed.yield(.success(try await client.call(StatusRequest()))) } catch {
        feed.yield(.failure(error))
      }
    }
    let timer = Task {
      try? await Task.sleep(for: limit)
      feed.yield(nil)
    }
    defer {
      question.cancel()
      timer.cancel()
    }
    for await answer in answers {
      guard let answer else { break }
      return .answered(try answer.get())
    }
    return .silent(pid: pid(at: paths.socket))
  }

  private static func pid(at path: String) -> Int? {
    let fd = ccontrol_connect(path)
    guard fd >= 0 else { return nil }
    defer { ccontrol_close(fd) }
    var pid: Int32 = 0
    return ccontrol_peer_pid(fd, &pid) == 0 ? Int(pid) : nil
  }
}
