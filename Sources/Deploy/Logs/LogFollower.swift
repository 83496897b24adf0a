import KubeAPI
import KubeObjects

/// One container's log over all its instances.
struct LogFollower: Sendable {
  let client: KubeClient
  let namespace: String
  let pod: String
  let container: String
  let since: String
  let channel: LogChannel

  /// Reads until the states end and the last log is read, or the reader ends.
  func run(_ states: AsyncStream<ContainerInstances>) async {
    // A time without fraction sorts before every fraction, so lines of that second count.
    var text = LogText(since: String(since.prefix { $0 != "Z" && $0 != "+" && $0 != "." }))
    var finished: Set<String> = []
    for await state in states {
      if let previous = state.previous, !finished.contains(previous) {
        // It ended before it could be read to its end.
        if case .complete = await read(&text, previous: true) { finished.insert(previous) }
      }
      guard let current = state.current, !finished.contains(current) else { continue }
      // A log that ends while its container runs was cut, or rotated: the next state shows whether more follows.
      reading: for attempt in 0... {
        switch await read(&text, previous: false) {
        case .complete:
          finished.insert(current)
          break reading
        case .refused: break reading
        case .cut: try? await Task.sleep(for: .milliseconds(min(5000, 100 << min(attempt, 6))))
        }
        if Task.isCancelled { return }
      }
    }
  }

  private enum Outcome { case complete, cut, refused }

  private func read(_ text: inout LogText, previous: Bool) async -> Outcome {
    text.reopen()
    do throws(KubeError) {
      let from = text.lastTime.contains("Z") ? text.lastTime : text.lastTime + "Z"
      let body = try await client.log(
        pod: pod, namespace: namespace, container: container, follow: !previous, previous: previous, since: from,
        timestamps: true)
      while let bytes = try await body.next() {
        guard await send(text.read(bytes)) else { return .refused }
      }
      return await send(text.finish()) ? .complete : .refused
    } catch {
      // The Pod is gone, or that instance's log is.
      return error.statusCode.map { $0 < 500 } ?? false || error == .cancelled ? .refused : .cut
    }
  }

  private func send(_ lines: [(time: String, text: String)]) async -> Bool {
    guard !lines.isEmpty else { return true }
    return await channel.send(
      lines.map { LogLine(namespace: namespace, pod: pod, container: container, time: $0.time, text: $0.text) })
  }
}
