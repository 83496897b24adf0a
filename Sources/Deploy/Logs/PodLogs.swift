import KubeAPI
import KubeObjects

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The output of all containers of all Pods of a run, init containers too, as it is written. Restarts and
/// replaced Pods are followed, cut streams are resumed, and no line is repeated. A slow reader slows the
/// streams; at most about a thousand lines wait for it.
///
/// Ends when its task is cancelled, or with an error that waiting cannot cure.
public struct PodLogs: AsyncSequence, Sendable {
  public typealias Element = LogLine
  public typealias Failure = DeployError

  public let client: KubeClient
  public let run: String
  private let scope: RunScope
  private let owners: PodOwners
  /// The time of the oldest lines reported; RFC 3339 in UTC.
  public let since: String

  /// - Parameters:
  ///   - scope: the run's applied objects, present and later: only their Pods' logs are read.
  ///   - since: nil for now.
  public init(client: KubeClient, run: String, scope: RunScope, since: String? = nil) {
    self.client = client
    self.run = run
    self.scope = scope
    owners = PodOwners(client: client, scope: scope)
    self.since = since ?? Date().formatted(.iso8601)
  }

  public struct Iterator: AsyncIteratorProtocol {
    private let source: Source
    private var lines: ArraySlice<LogLine> = []

    init(_ source: Source) { self.source = source }

    public mutating func next() async throws -> LogLine? { try await next(isolation: #isolation) }

    public mutating func next(isolation actor: isolated (any Actor)?) async throws(DeployError) -> LogLine? {
      if lines.isEmpty { lines = try await source.channel.next().map { $0[...] } ?? [] }
      return lines.popFirst()
    }
  }

  public func makeAsyncIterator() -> Iterator { Iterator(Source(self)) }

  /// Owns the tasks that read; they end with the iterator.
  final class Source: Sendable {
    let channel = LogChannel()
    private let task: Task<Void, Never>

    init(_ logs: PodLogs) { task = Task { [channel] in await logs.follow(into: channel) } }

    deinit {
      channel.end(nil)
      task.cancel()
    }
  }

  private func follow(into channel: LogChannel) async {
    await withTaskGroup(of: Void.self) { group in
      for await namespace in scope.followNamespaces() { group.addTask { await follow(namespace, into: channel) } }
      channel.end(nil)
      group.cancelAll()
    }
  }

  /// Watches the Pods of a namespace, and keeps a follower for each container.
  private func follow(_ namespace: String, into channel: LogChannel) async {
    await withTaskGroup(of: Void.self) { group in
      var followers: [String: AsyncStream<ContainerInstances>.Continuation] = [:]
      var events = client.watch(.pods, namespace: namespace, labels: RunLabel.selector(run)).makeAsyncIterator()
      do throws(KubeError) {
        while let event = try await events.next(isolation: #isolation) {
          guard let pod = event.object, let name = pod.name, let uid = pod.uid else { continue }
          if !followers.keys.contains(where: { $0.hasPrefix("\(uid)/") }) {
            guard await owners.areOfRun(pod) else { continue }
          }
          for (container, instances) in ContainerInstances.of(pod) {
            let key = "\(uid)/\(container)"
            if followers[key] == nil {
              // Only the newest state matters.
              let (states, sink) = AsyncStream.makeStream(
                of: ContainerInstances.self, bufferingPolicy: .bufferingNewest(1))
              followers[key] = sink
              let follower = LogFollower(
                client: client, namespace: namespace, pod: name, container: container, since: since, channel: channel)
              group.addTask { await follower.run(states) }
            }
            followers[key]?.yield(instances)
          }
          guard case .deleted = event else { continue }
          for key in followers.keys where key.hasPrefix("\(uid)/") { followers.removeValue(forKey: key)?.finish() }
        }
      } catch {
        channel.end(DeployError(error, doing: "following the Pods of \(run)"))
      }
      group.cancelAll()
    }
  }
}
