import ControlAPI

/// Answers requests for the metrics, one a connection.
struct MetricsServer: Sendable {
  /// The connections that are answered at a time; a reader of metrics needs one.
  private static let mostConnections = 16
  private static let mostFields = 100

  let isLocal: Bool
  /// The time in which a request must be there.
  var patience = Duration.seconds(10)
  /// Makes the text.
  let metrics: @Sendable () async -> String

  /// Answers until the task is cancelled, or no more connections come.
  func run(_ connections: AsyncStream<LineConnection>) async {
    await withDiscardingTaskGroup { group in
      let (ends, end) = AsyncStream<Void>.makeStream()
      var ended = ends.makeAsyncIterator()
      var open = 0
      for await connection in connections {
        if open == Self.mostConnections { await ended.next() } else { open += 1 }
        group.addTask {
          await answer(connection)
          end.yield()
        }
      }
    }
  }

  private func answer(_ connection: LineConnection) async {
    let timer = Task {
      try await Task.sleep(for: patience)
      connection.close()
    }
    if let head = await head(connection) {
      let request = MetricsRequest(head, isLocal: isLocal)
      var bytes = Array(MetricsAnswer.text(request, metrics: await metrics()).utf8)
      // A line gets its end when it is sent.
      if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
      connection.send(bytes)
    }
    await connection.closeAndWait(atMost: patience)
    timer.cancel()
  }

  /// Reads the request's line and its fields; nil if they do not come.
  private func head(_ connection: LineConnection) async -> [String]? {
    var head: [String] = []
    do {
      for try await line in connection.lines {
        let text = String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...], as: UTF8.self)
        if text.isEmpty { return head }
        head.append(text)
        if head.count > Self.mostFields { return nil }
      }
    } catch {}
    return nil
  }
}
