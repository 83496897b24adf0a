import FoundationEssentials

extension PortForward {
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

/// Opens the loop's port-forwards and keeps them, even if the round that asked for them is cancelled.
actor ForwardKeeper {
  private struct Open {
    var forward: PortForward
    var host: UInt16
    var handle: any OpenPortForward
  }

  private var open: [String: Open] = [:]
  /// The last piece of work; pieces run one after the other.
  private var last: Task<Void, Never>?
  private var isClosed = false
  private let memory: String?
  private let events: @Sendable (DevEvent) -> Void

  init(memory: String?, events: @escaping @Sendable (DevEvent) -> Void) {
    self.memory = memory
    self.events = events
  }

  /// Opens new forwards and closes those no longer wanted, in the background.
  func update(_ wanted: [PortForward], with forwarder: any PortForwarding) {
    let before = last
    last = Task {
      await before?.value
      await bring(wanted, forwarder)
    }
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
    }
    return false
  }

  func closeAll() async {
    isClosed = true
    last?.cancel()
    await last?.value
    for entry in open.values { await entry.handle.close() }
    open = [:]
  }

  private func bring(_ wanted: [PortForward], _ forwarder: any PortForwarding) async {
    let keys = Set(wanted.map(\.key))
    for (key, entry) in open where !keys.contains(key) || !entry.handle.isOpen {
      await entry.handle.close()
      open[key] = nil
    }
    var choice = PortChoice(remembered: load(), isFree: HostPort.isFree)
    let ports = choice.choose(wanted, taken: open.mapValues(\.host))
    save(choice.remembered)
    for forward in wanted where open[forward.key] == nil {
      guard !isClosed, !Task.isCancelled else { return }
      guard let host = ports[forward.key] else {
        events(
          .failed(LoopError(.forwarding, "no port of \(forward.address) is free for \(forward.target):\(forward.port)"))
        )
        continue
      }
      do throws(LoopError) {
        let handle = try await forwarder.open(forward, host: host)
        open[forward.key] = Open(forward: forward, host: host, handle: handle)
        let note = forward.notes(host: host).joined(separator: "; ")
        events(
          .forwarded(
            .init(
              target: forward.target, namespace: forward.namespace, port: forward.port,
              host: "\(forward.address):\(host)", note: note.isEmpty ? nil : note)))
      } catch {
        if !error.isCancelled { events(.failed(error)) }
      }
    }
  }

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
