import FoundationEssentials

extension PortForward {
  fileprivate func event(host: UInt16, note: String?) -> DevEvent.Forwarded {
    .init(target: target, namespace: namespace, port: port, host: "\(address):\(host)", note: note)
  }

  /// Returns notes for the user, once it listens.
  func notes(host: UInt16) -> [String] {
    var notes = host == preferred ? [] : ["port \(preferred) is taken"]
    if let withheldAddress {
      notes.append("not at \(withheldAddress), where other machines would reach it; --open-ports allows that")
    }
    if !HostPort.isLoopback(address) { notes.append("other machines reach it") }
    return notes
  }
}

/// Opens the loop's port-forwards and keeps them, even if the round that asked for them is cancelled, or the daemon
/// that has them ends.
actor ForwardKeeper {
  private struct Open {
    var forward: PortForward
    var host: UInt16
    var handle: any OpenPortForward
    /// Waits for its end.
    var guardian: Task<Void, Never>?
  }

  private var open: [String: Open] = [:]
  /// The last call of `update`.
  private var wanted: [PortForward] = []
  private var forwarder: (any PortForwarding)?
  /// The host ports of forwards that something else has ended, by key, until they are open again.
  private var lost: [String: UInt16] = [:]
  private var restoring: Task<Void, Never>?
  /// The failures since the last call of `update`: each is reported once.
  private var told: Set<LoopError> = []
  /// The last piece of work; pieces run one after the other.
  private var last: Task<Void, Never>?
  private var isClosed = false
  private let memory: String?
  private let events: @Sendable (DevEvent) -> Void
  /// Returns after a time; throws if its task is cancelled.
  private let sleep: @Sendable (Duration) async throws -> Void

  init(
    memory: String?, sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    events: @escaping @Sendable (DevEvent) -> Void
  ) {
    self.memory = memory
    self.sleep = sleep
    self.events = events
  }

  /// Opens new forwards and closes those no longer wanted, in the background.
  func update(_ wanted: [PortForward], with forwarder: any PortForwarding) {
    self.wanted = wanted
    self.forwarder = forwarder
    let keys = Set(wanted.map(\.key))
    lost = lost.filter { keys.contains($0.key) }
    told = []
    enqueue()
  }

  /// - Returns: the task that brings what is wanted then.
  @discardableResult
  private func enqueue() -> Task<Void, Never> {
    let before = last
    let next = Task {
      await before?.value
      if let forwarder { await bring(wanted, forwarder) }
    }
    last = next
    return next
  }

  /// Waits for the end of a forward that nobody closed here, and opens it again.
  private func guardian(_ forward: PortForward, _ handle: any OpenPortForward) -> Task<Void, Never> {
    Task {
      await handle.ended()
      if !Task.isCancelled { noteEnd(of: forward) }
    }
  }

  private func noteEnd(of forward: PortForward) {
    guard !isClosed, let entry = open[forward.key] else { return }
    open[forward.key] = nil
    lost[forward.key] = entry.host
    events(.unforwarded(forward.event(host: entry.host, note: "the daemon has ended; it is opened again")))
    guard restoring == nil else { return }
    restoring = Task { await restore() }
  }

  private func restore() async {
    var pause = Duration.milliseconds(200)
    while !lost.isEmpty, !isClosed, (try? await sleep(pause)) != nil {
      await enqueue().value
      pause = min(pause * 2, .seconds(10))
    }
    restoring = nil
  }

  /// Waits until a Pod takes the first forward's connection, for two seconds.
  /// - Returns: false also if no forward is open yet.
  func answers() async -> Bool {
    guard let first = open.values.filter(\.handle.isOpen).min(by: { $0.forward.key < $1.forward.key }) else {
      return false
    }
    let deadline = ContinuousClock.now + .seconds(2)
    while ContinuousClock.now < deadline, !Task.isCancelled {
      if await HostPort.answers(first.forward.address, first.host) { return true }
      try? await sleep(.milliseconds(5))
    }
    return false
  }

  /// Waits until Pods take the connections of all forwards that are wanted, for some seconds.
  func settle() async {
    await last?.value
    let deadline = ContinuousClock.now + .seconds(5)
    await withTaskGroup(of: Void.self) { group in
      for entry in open.values where entry.handle.isOpen {
        let (address, host) = (entry.forward.address, entry.host)
        group.addTask { [sleep] in
          // A reset that comes through a slow tunnel would cost a request.
          while ContinuousClock.now < deadline, !Task.isCancelled,
            await !HostPort.answers(address, host, after: .milliseconds(250))
          {
            try? await sleep(.milliseconds(25))
          }
        }
      }
    }
  }

  /// The ports that are forwarded now.
  var ports: [ForwardedPort] {
    get async {
      await last?.value
      return open.values.filter(\.handle.isOpen).map { entry in
        ForwardedPort(
          target: entry.forward.target, port: entry.forward.port, address: entry.forward.address, host: entry.host)
      }.sorted { ($0.target, $0.port) < ($1.target, $1.port) }
    }
  }

  func closeAll() async {
    isClosed = true
    restoring?.cancel()
    last?.cancel()
    await last?.value
    for entry in open.values {
      entry.guardian?.cancel()
      await entry.handle.close()
    }
    open = [:]
  }

  private func bring(_ wanted: [PortForward], _ forwarder: any PortForwarding) async {
    let keys = Set(wanted.map(\.key))
    for (key, entry) in open where !keys.contains(key) {
      entry.guardian?.cancel()
      await entry.handle.close()
      open[key] = nil
    }
    var choice = PortChoice(remembered: load(), isFree: HostPort.isFree)
    var taken = open.mapValues(\.host)
    for forward in wanted {
      // A forward that was lost keeps its port.
      if let host = lost[forward.key], HostPort.isFree(forward.address, host) { taken[forward.key] = host }
    }
    let ports = choice.choose(wanted, taken: taken)
    save(choice.remembered)
    for forward in wanted where open[forward.key] == nil {
      guard !isClosed, !Task.isCancelled else { return }
      guard let host = ports[forward.key] else {
        report(
          LoopError(.forwarding, "no port of \(forward.address) is free for \(forward.target):\(forward.port)"))
        continue
      }
      do throws(LoopError) {
        let handle = try await forwarder.open(forward, host: host)
        lost[forward.key] = nil
        open[forward.key] = Open(
          forward: forward, host: host, handle: handle, guardian: guardian(forward, handle))
        let note = forward.notes(host: host).joined(separator: "; ")
        events(.forwarded(forward.event(host: host, note: note.isEmpty ? nil : note)))
      } catch {
        if !error.isCancelled { report(error) }
      }
    }
  }

  private func report(_ error: LoopError) { if told.insert(error).inserted { events(.failed(error)) } }

  // MARK: Ports of earlier runs

  private func load() -> [String: UInt16] {
    guard let memory, let data = try? Data(contentsOf: URL(filePath: memory)) else { return [:] }
    return (try? JSONDecoder().decode([String: UInt16].self, from: data)) ?? [:]
  }

  /// Remembers the ports. If that fails, they may differ from run to run, and nothing else.
  private func save(_ ports: [String: UInt16]) {
    guard let memory, !ports.isEmpty, let data = try? JSONEncoder().encode(ports) else { return }
    let directory = memory.split(separator: "/").dropLast().joined(separator: "/")
    try? FileManager.default.createDirectory(atPath: "/" + directory, withIntermediateDirectories: true)
    try? data.write(to: URL(filePath: memory), options: .atomic)
  }
}
