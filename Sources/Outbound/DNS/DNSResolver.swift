// The route of a query: DNSServer or DNSTCPConnection take it; DNSResolver answers from the cache, joins it to the same
// question, or passes it to ClusterDNS (the tunnel) or HostQuery (the host's own servers).

import CLinux
import Relay

/// Answers DNS queries: by itself, from its cache, from the cluster, from the host.
final class DNSResolver: Handler {
  typealias Source = DNSQueryRecord.Source
  /// Delivers an answer; nil if none came.
  typealias Delivery = (DNSAnswer?, Source) -> Void

  let loop: EventLoop
  private(set) var settings: DNSSettings
  private let routes: RouteTable
  private let counters: OutboundCounters
  private let cluster: ClusterDNS
  private var cache = LeastRecentlyUsed<DNSKey, DNSAnswer>(capacity: cacheCapacity)
  private var pending: [DNSKey: Pending] = [:]
  private var hostQueries: [DNSKey: HostQuery] = [:]
  private var isTicking = false

  private struct Pending {
    let query: DNSQuery
    var source: Source
    /// True if the cluster was asked for the true address's name, or for a short name's full one.
    var isRenamed: Bool
    /// The host's answer to a short name, while the cluster is asked.
    var hosts: DNSMessage?
    let deadline: UInt64
    var waiting: [Delivery]
  }

  static let cacheCapacity = 4_096
  private static let pendingLimit = 4_096
  private static let waitingLimit = 256
  /// µs until an unanswered client gets SERVFAIL: clients ask twice within 10 s (resolv.conf(5)).
  private static let patience: UInt64 = 9_000_000
  private static let hostTTL: UInt32 = 60

  init(
    loop: EventLoop, sessions: @escaping SessionSource, routes: RouteTable, counters: OutboundCounters,
    settings: DNSSettings
  ) {
    self.loop = loop
    self.routes = routes
    self.counters = counters
    self.settings = settings
    cluster = ClusterDNS(loop: loop, sessions: sessions, counters: counters)
    super.init()
    loop.register(self)
    cluster.answered = { [unowned self] key, message in self.answered(key, message) }
  }

  var cachedCount: Int { cache.count }

  // MARK: Messages

  /// Answers a client's message; one that must not be answered (a response, a fragment) is dropped.
  func answer(_ bytes: [UInt8], overTCP: Bool, deliver: @escaping ([UInt8]) -> Void) {
    let started = clinux_monotonic_us()
    counters.dns.queries += 1
    let query: DNSQuery
    do {
      query = try DNSQuery(bytes)
    } catch {
      counters.dns.malformed += 1
      if case .rcode(let rcode) = error { deliver(DNSQuery.refusal(rcode, of: bytes)) }
      return
    }
    if let own = ownAnswer(query) {
      counters.dns.fromSelf += 1
      record(query, own.rcode, .own, since: started)
      return deliver(own.bytes)
    }
    if query.question.type == DNSType.aaaa, !settings.ipv6 {
      return answerWithoutIPv6(query, since: started, deliver: deliver)
    }
    resolve(query) { [self] answer, source in
      guard let answer else {
        counters.dns.unanswered += 1
        record(query, DNSRcode.serverFailure, source, since: started)
        return deliver(query.answer(rcode: DNSRcode.serverFailure))
      }
      let message = answer.message(for: query, limit: overTCP ? 65_535 : query.limit, now: loop.now)
      if message.truncated { counters.dns.truncated += 1 }
      count(source)
      record(query, answer.rcode, source, since: started)
      deliver(message.bytes)
    }
  }

  private func ownAnswer(_ query: DNSQuery) -> (bytes: [UInt8], rcode: UInt8)? {
    guard query.key.name == DNSSettings.hostName else { return nil }
    let address = routes.rules.hostAddress
    if query.question.questionClass == 1, query.question.type == (address.isIPv6 ? DNSType.aaaa : DNSType.a) {
      return (query.answer(address: address, ttl: Self.hostTTL), DNSRcode.noError)
    }
    return (query.answer(rcode: DNSRcode.noError, authoritative: true), DNSRcode.noError)
  }

  /// Answers without data. The rcode comes from the A records, which the client asks for at the same time.
  private func answerWithoutIPv6(_ query: DNSQuery, since started: UInt64, deliver: @escaping ([UInt8]) -> Void) {
    let question = DNSQuestion(
      rawName: query.question.rawName, type: DNSType.a, questionClass: query.question.questionClass)
    resolve(DNSQuery(id: 0, question: question, flags: query.flags, edns: query.edns)) { [self] answer, source in
      counters.dns.fromSelf += 1
      let rcode =
        answer.map { $0.rcode == DNSRcode.nameError ? DNSRcode.nameError : DNSRcode.noError } ?? DNSRcode.serverFailure
      record(query, rcode, .own, since: started)
      deliver(query.answer(rcode: rcode))
    }
  }

  private func count(_ source: Source) {
    switch source {
    case .cache: counters.dns.fromCache += 1
    case .cluster: counters.dns.fromCluster += 1
    case .host: counters.dns.fromHost += 1
    case .own: counters.dns.fromSelf += 1
    }
  }

  private func record(_ query: DNSQuery, _ rcode: UInt8, _ source: Source, since started: UInt64) {
    counters.record(
      DNSQueryRecord(
        name: query.key.name.description, type: DNSType.text(query.question.type), rcode: DNSRcode.text(rcode),
        source: source,
        microseconds: clinux_monotonic_us() - started))
  }

  // MARK: Questions

  /// Finds the answer: at once from the cache, or later.
  func resolve(_ query: DNSQuery, deliver: @escaping Delivery) {
    if let kept = cache[query.key] {
      if kept.isFresh(loop.now) { return deliver(kept, .cache) }
      cache.remove(query.key)
    }
    if let same = pending[query.key] {
      guard same.waiting.count < Self.waitingLimit else { return deliver(nil, same.source) }
      counters.dns.joined += 1
      pending[query.key]!.waiting.append(deliver)
      return
    }
    let real = routes.rules.aliases.real(of: query.question)
    let isHosts = real == nil && settings.belongsToHost(query.key.name) && hasHostServers()
    guard pending.count < Self.pendingLimit else { return deliver(nil, isHosts ? .host : .cluster) }
    pending[query.key] = Pending(
      query: query, source: isHosts ? .host : .cluster, isRenamed: real != nil, deadline: loop.now + Self.patience,
      waiting: [deliver])
    if isHosts { askHost(query) } else { cluster.ask(query, as: real ?? query.question) }
    tick()
  }

  private func hasHostServers() -> Bool {
    if let servers = settings.changedHostServers?() { settings.hostServers = servers }
    return !settings.hostServers.isEmpty
  }

  private func askHost(_ query: DNSQuery) {
    let asked = HostQuery(
      loop: loop, query: query, servers: settings.hostServers, sourcePorts: settings.hostSourcePorts
    ) { [unowned self] message in
      hostQueries[query.key] = nil
      answered(query.key, message)
    }
    hostQueries[query.key] = asked
    asked.start()
  }

  /// Takes the answer of the cluster or the host; nil: none came.
  private func answered(_ key: DNSKey, _ message: DNSMessage?) {
    guard var asked = pending[key] else { return }
    if let full = askedNext(asked, message) {
      asked.hosts = message
      (asked.source, asked.isRenamed) = (.cluster, true)
      pending[key] = asked
      return cluster.ask(asked.query, as: full)
    }
    var message = message
    if let hosts = asked.hosts, message?.rcode != DNSRcode.noError {
      message = hosts
      (asked.source, asked.isRenamed) = (.host, false)
    }
    let aliases = asked.source == .cluster ? routes.rules.aliases : AddressMap()
    if asked.isRenamed { message = message?.renamed(to: asked.query.question.rawName) }
    let answer = message.flatMap { DNSAnswer($0, to: asked.query.question, aliases: aliases, now: loop.now) }
    pending[key] = nil
    if let answer {
      if answer.lifetime > 0 { cache.insert(answer, for: key) }
      let isClusters = asked.hosts != nil || settings.clusterSuffixes.contains { key.name.isWithin($0) }
      if asked.source == .cluster, isClusters {
        for (address, ttl) in answer.addresses { routes.learn(address, ttl: ttl, now: loop.now) }
      }
    }
    for deliver in asked.waiting { deliver(answer, asked.source) }
  }

  /// Returns the cluster's question for a short name that the host's servers do not know; nil for any other answer.
  private func askedNext(_ asked: Pending, _ message: DNSMessage?) -> DNSQuestion? {
    let name = asked.query.key.name
    // systemd-resolved answers SERVFAIL for names of one label.
    let isUnknown =
      message?.rcode == DNSRcode.nameError
      || name.dots == 0 && [DNSRcode.serverFailure, DNSRcode.refused].contains(message?.rcode)
    guard asked.source == .host, settings.clusterNamesOnly, isUnknown,
      let full = ShortName.full(name, search: settings.search)
    else { return nil }
    let question = asked.query.question
    return DNSQuestion(rawName: full.wire, type: question.type, questionClass: question.questionClass)
  }

  // MARK: Time

  private func tick() {
    guard !isTicking, !pending.isEmpty else { return }
    isTicking = true
    loop.schedule(self, after: 1_000_000, kind: 0)
  }

  override func timerFired(_ kind: UInt8) {
    isTicking = false
    for (key, asked) in pending where asked.deadline <= loop.now {
      cluster.forget(key)
      hostQueries.removeValue(forKey: key)?.cancel()
      answered(key, nil)
    }
    tick()
  }

  func close() {
    cluster.close()
    for query in hostQueries.values { query.cancel() }
    hostQueries = [:]
    pending = [:]
    cache.removeAll()
    loop.unregister(self)
  }
}
