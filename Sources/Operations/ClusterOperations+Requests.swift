import ControlAPI
import Exchanges
import Intercept

extension ClusterOperations {
  /// The time in which exchanges are collected for one message, and the number of them: a person reads no more, and
  /// what nobody reads must not cost throughput.
  private static let pause = Duration.milliseconds(50)
  private static let mostShown = 20
  private static let mostDetailed = 500

  public nonisolated func requests(
    _ request: RequestsRequest, items: @escaping @Sendable ([RequestsItem]) async -> Void
  )
    async throws -> RequestsReport
  {
    let choice = RequestChoice(request)
    if let keep = request.keep { seen.keep(keep) }
    guard request.follow else {
      let found = choice.exchanges(seen.all)
      await send(found, items)
      return RequestsReport(notes: await notes(choice, foundNothing: found.isEmpty))
    }
    let follower = seen.follow(
      bodies: request.bodies, capacity: request.isDetailed ? 4096 : 400, accepts: choice.mayMatch)
    defer { seen.stop(follower) }
    await othersRequests.begin { [weak self] in await self?.watchedIntercepts() ?? [:] }
    defer { Task { [othersRequests] in await othersRequests.end() } }
    let kept = seen.all.filter(\.isOver)
    await send(choice.exchanges(kept), items)
    let known = Set(kept.map(\.id))
    let batch = request.isDetailed ? Self.mostDetailed : Self.mostShown
    for await _ in follower.signals {
      while !Task.isCancelled {
        let (taken, lost) = follower.take(atMost: batch)
        if taken.isEmpty, lost == 0 { break }
        let new = choice.exchanges(taken.filter { !known.contains($0.id) }).map { RequestsItem(exchange: $0) }
        await items(lost > 0 ? new + [RequestsItem(lost: lost)] : new)
        try? await Task.sleep(for: Self.pause)
      }
    }
    return RequestsReport(notes: [])
  }

  private nonisolated func send(_ exchanges: [Exchange], _ items: @Sendable ([RequestsItem]) async -> Void) async {
    var rest = exchanges[...]
    while !rest.isEmpty, !Task.isCancelled {
      await items(rest.prefix(100).map { RequestsItem(exchange: $0) })
      rest = rest.dropFirst(100)
    }
  }

  private func watchedIntercepts() async -> [InterceptID: WatchedIntercept] {
    var found: [InterceptID: WatchedIntercept] = [:]
    for interception in interceptions { found[interception.id] = await interception.watched() }
    return found
  }

  /// Says why there is nothing to see, or not all.
  private func notes(_ choice: RequestChoice, foundNothing: Bool) -> [String] {
    let connections = seen.connections
    let service = choice.request.service
    var notes: [String] = []
    let (secret, other) = (connections.count(.tls, service: service), connections.count(.other, service: service))
    if secret > 0 {
      notes.append(
        "\(secret == 1 ? "one connection is" : "\(secret) connections are") TLS: what TLS carries cannot be seen")
    }
    if other > 0 {
      notes.append(
        "\(other == 1 ? "one connection carries" : "\(other) connections carry") no HTTP that can be followed")
    }
    guard foundNothing, notes.isEmpty else { return notes }
    if interceptions.isEmpty, forwards.isEmpty, shells.isEmpty, hosts.isEmpty, proxies.isEmpty {
      return ["nothing was seen: there is no intercept, no forward and no shell whose requests could pass here"]
    }
    return [
      service.map { "no request of \($0) has come yet (`devtunnel requests` shows those of all Services)" }
        ?? "no request has come yet"
    ]
  }
}

/// The exchanges that a request asks for, in the form that it asks for.
struct RequestChoice: Sendable {
  let request: RequestsRequest

  init(_ request: RequestsRequest) { self.request = request }

  /// True if an exchange at this place may be asked for. Those of shells are told by their requests.
  func mayMatch(_ place: ObservedPlace) -> Bool {
    if let context = request.context, context != place.context { return false }
    if place.way == .shell { return true }
    return (request.service ?? place.service) == place.service
      && (request.namespace ?? place.namespace) == place.namespace
  }

  /// Returns those that are asked for. Secrets are hidden here, before anything leaves the daemon.
  func exchanges(_ seen: [ObservedExchange]) -> [Exchange] {
    seen.filter { mayMatch($0.place) }.map {
      $0.exchange(fields: request.isDetailed, bodies: request.bodies && request.isDetailed)
    }.filter {
      (request.service ?? $0.service) == $0.service && (request.namespace ?? $0.namespace) == $0.namespace
    }.map { request.showSecrets ? $0 : $0.hidingSecrets() }
  }
}
