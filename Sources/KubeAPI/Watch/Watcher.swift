import KubeObjects
import Logging

/// The state of one watch: list, connect, read, and after a cut again from the last version. Its reader pulls the
/// events, so that nothing piles up.
final class Watcher {
  private enum Phase {
    case list
    case connect
    case read(ResponseBody, since: ContinuousClock.Instant)
  }

  private let client: KubeClient
  private let watch: WatchSequence
  private var phase: Phase
  private var version: String
  private var objects: WatchedObjects
  private var lines = WatchLines()
  private var pending: [WatchEvent] = []
  private var failures = 0
  /// False while an error is the caller's; once something has worked, the watch survives errors.
  private var hasWorked = false

  init(_ watch: WatchSequence) {
    self.watch = watch
    var client = watch.client
    // This class does the repeating.
    client.retry.attempts = 1
    self.client = client
    switch watch.start {
    case .list: (phase, version, objects) = (.list, "", WatchedObjects())
    case .after(let list): (phase, version, objects) = (.connect, list.resourceVersion, WatchedObjects(list.items))
    case .resourceVersion(let start): (phase, version, objects) = (.connect, start, WatchedObjects())
    }
  }

  /// - Returns: nil when the task is cancelled.
  /// - Throws: errors that waiting cannot cure, such as a 403, and a deadline that has passed.
  func next(isolation actor: isolated (any Actor)? = #isolation) async throws(KubeError) -> WatchEvent? {
    while true {
      // Reversed, so that taking one costs nothing.
      if let event = pending.popLast() { return event }
      do throws(KubeError) { try await step() } catch {
        if case .cancelled = error { return nil }
        try await recover(from: error)
        if Task.isCancelled { return nil }
      }
    }
  }

  private func step(isolation actor: isolated (any Actor)? = #isolation) async throws(KubeError) {
    switch phase {
    case .list:
      let list = try await client.list(
        watch.resource, namespace: watch.namespace, labels: watch.labels, fields: watch.fields)
      worked()
      version = list.resourceVersion
      pending = (objects.replace(with: list.items) + [.bookmark(resourceVersion: version)]).reversed()
      try checkSize()
      phase = .connect
    case .connect:
      let stream = try await client.open(request())
      hasWorked = true
      lines = WatchLines()
      phase = .read(stream.body, since: .now)
    case .read(let body, let since):
      guard let bytes = try await body.next() else {
        phase = .connect
        // The server ends each watch after a while. Ending one at once is a sign of trouble.
        if ContinuousClock.now - since < .seconds(1) {
          throw .connectionLost(server: client.access.server.description, cause: "the watch ended at once")
        }
        return
      }
      worked()
      var events: [WatchEvent] = []
      defer { pending = events.reversed() }
      for line in try lines.read(bytes, server: client.access.server.description) {
        switch line {
        case .event(let event):
          objects.note(event)
          try checkSize()
          version = Self.version(of: event) ?? version
          events.append(event)
        case .error(let error): throw error
        }
      }
    }
  }

  private func checkSize() throws(KubeError) {
    guard let excess = objects.excess(over: client.limits) else { return }
    throw .badResponse(
      server: client.access.server.description,
      problem: "a watch of \(watch.resource) has \(excess), more than devtunnel keeps")
  }

  private func worked() {
    hasWorked = true
    failures = 0
  }

  private func recover(from error: KubeError, isolation actor: isolated (any Actor)? = #isolation)
    async throws(KubeError)
  {
    if error.isGone, version != "" || hasWorked {
      // The server has forgotten our version: list everything, and report the difference.
      client.log.debug("watch starts over", metadata: ["resource": "\(watch.resource)", "version": "\(version)"])
      version = ""
      phase = .list
      return
    }
    let limit = watch.client.retry.attempts
    failures += 1
    guard error.isTransient, hasWorked || failures < limit else { throw error }
    if let deadline = client.deadline, deadline <= .now { throw error }
    if case .read = phase { phase = .connect }
    let pause = RetryPolicy(delay: client.retry.delay, maximumDelay: .seconds(30)).delay(afterFailures: failures)
    client.log.debug(
      "watch is cut", metadata: ["resource": "\(watch.resource)", "error": "\(error)", "pause": "\(pause)"])
    try? await Task.sleep(for: pause)
  }

  private func request() -> HTTPRequest {
    // Random, so that watches that began together do not end together.
    let seconds = Int.random(in: 290...350)
    let query =
      KubeClient.selection(watch.labels, watch.fields) + [
        ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", version),
        ("timeoutSeconds", String(seconds)),
      ]
    // A server that vanished silently ends no watch: then the client does.
    return HTTPRequest(
      "GET", watch.resource.path(namespace: watch.namespace), query: query, timeout: .seconds(seconds + 30))
  }

  private static func version(of event: WatchEvent) -> String? {
    let version = if case .bookmark(let version) = event { version } else { event.object?.resourceVersion ?? "" }
    return version.isEmpty ? nil : version
  }
}
