import ControlAPI
import KubeAPI
import KubeStreams
import Logging
import Relay
import Synchronization
import TunnelProtocol
import Workloads

/// Keeps one session to one agent: dials, says hello, and dials again when the port-forward breaks or the Pod is
/// replaced.
public actor AgentLink {
  /// The state of the session.
  public enum State: Sendable, Equatable {
    case connecting
    case connected(pod: String)
    case stopped
  }

  public nonisolated let client: KubeClient
  /// The agent that the link was made for.
  public nonisolated let identity: AgentIdentity
  /// The agent that has replaced it, maybe under another name.
  private var current: AgentIdentity
  private let relay: RelayThread
  private let holder: UInt64
  private let protocols: CarrierProtocol
  private let log: Logger
  /// The link's part on the relay's thread.
  public nonisolated let endpoint: OnLoop<LinkEndpoint>

  /// The present state.
  public private(set) var state = State.connecting
  /// The WebSocket subprotocol of the port-forward.
  public private(set) var carrier: String?
  /// The last problem; it stays after the link has recovered.
  public private(set) var lastProblem: String?
  /// The last problems that were logged.
  private var told: [String] = []
  /// Set when the API server forbids the port-forward: waiting doesn't help.
  private var refusal: ControlError?
  private var keeper: Task<Void, Never>?
  private var requests: [Request] = []
  private var stateWaiters: [CheckedContinuation<Void, Never>] = []
  private var onConnected: (@Sendable () async -> Void)?
  private var onMessage: (@Sendable (ControlMessage) async -> Void)?
  private var onSilence: (@Sendable (Bool) -> Void)?
  private var onReconnect: (@Sendable () async throws(ControlError) -> AgentIdentity)?
  private var hasTried = false
  private var onState: (@Sendable (State) -> Void)?

  private struct Request {
    let id: Int
    let kind: ControlMessage.Kind
    let port: UInt16
    let continuation: CheckedContinuation<ControlMessage?, Never>
  }
  private var nextRequest = 0

  /// - Parameter holder: the holder's number at an agent that several people share; 0 for an agent of our own.
  public init(
    client: KubeClient, relay: RelayThread, identity: AgentIdentity, holder: UInt64 = 0,
    protocols: CarrierProtocol = .auto, log: Logger
  ) async {
    self.client = client
    self.relay = relay
    self.identity = identity
    current = identity
    self.holder = holder
    self.protocols = protocols
    self.log = log
    endpoint = await relay.run { loop in OnLoop(LinkEndpoint(loop: loop), on: loop) }
  }

  /// Sets an action for each new session, run before others learn of it: to turn ports again, for one.
  public func whenConnected(_ action: @escaping @Sendable () async -> Void) { onConnected = action }
  /// Sets an action for messages that the agent sends unasked, each after the one before it is done.
  public func whenTold(_ action: @escaping @Sendable (ControlMessage) async -> Void) { onMessage = action }
  /// Sets an action for an agent that has been silent for 5 s (true), and for one that is heard again (false).
  public func whenSilent(_ action: @escaping @Sendable (Bool) -> Void) { onSilence = action }
  public func whenStateChanges(_ action: @escaping @Sendable (State) -> Void) { onState = action }

  /// Sets an action that finds the agent again before each further session: the same if it is as it was made, else a
  /// new one. It replaces an agent that someone has removed or changed. Without one the link only waits for the agent.
  public func whenReconnecting(_ action: @escaping @Sendable () async throws(ControlError) -> AgentIdentity) {
    onReconnect = action
  }

  /// Begins to dial; a second call does nothing.
  public func start() {
    guard keeper == nil else { return }
    keeper = Task { await keep() }
  }

  /// Ends the session; connections in it end too.
  public func stop() async {
    keeper?.cancel()
    change(to: .stopped)
    let endpoint = endpoint
    await relay.run { loop in
      endpoint.get(on: loop).detach()
      endpoint.get(on: loop).refuseWaiting()
    }
    failRequests()
  }

  /// Reads the session's figures on the relay's thread.
  public func figures() async -> LinkEndpoint.Figures {
    let endpoint = endpoint
    return await relay.run { loop in endpoint.get(on: loop).figures }
  }

  public func report() async -> SessionReport {
    let figures = await figures()
    var pod: String?
    var text = "connecting"
    if case .connected(let name) = state {
      pod = name
      text = figures.isSilent ? "silent" : "connected"
    }
    return SessionReport(
      context: client.access.contextName, namespace: identity.namespace, agent: AgentNames.base(current.workload),
      pod: pod, state: text,
      carrier: pod == nil ? nil : carrier, roundTripMilliseconds: figures.roundTrip.map { Double($0) / 1000 },
      streams: figures.streams,
      sentBytes: figures.sentBytes, receivedBytes: figures.receivedBytes, lastProblem: lastProblem)
  }

  /// Runs work with the endpoint, on the relay's thread.
  public nonisolated func onLoop<Result: Sendable>(_ work: @escaping @Sendable (LinkEndpoint) -> Result) async -> Result
  {
    let endpoint = endpoint
    return await relay.run { loop in work(endpoint.get(on: loop)) }
  }

  // MARK: Waiting and asking

  /// Returns once a session is open.
  public func connected(within limit: Duration) async throws(ControlError) {
    start()
    let deadline = ContinuousClock.now + limit
    while true {
      switch state {
      case .connected: return
      case .stopped: throw ControlError(.cancelled, "the tunnel to the agent of \(identity.workload) was closed")
      case .connecting: break
      }
      if Task.isCancelled { throw ControlError(.cancelled, "cancelled while the tunnel was being opened") }
      if let refusal { throw refusal }
      guard ContinuousClock.now < deadline else {
        throw ControlError(
          .timedOut, "no tunnel to the agent of \(identity.workload) within \(limit)",
          details: lastProblem.map { [$0] } ?? [])
      }
      try? await Task.sleep(for: .milliseconds(10))
    }
  }

  /// Sends a message and waits for the agent's answer of the same kind and port.
  public func ask(_ message: ControlMessage, within limit: Duration = .seconds(5)) async throws(ControlError)
    -> ControlMessage
  {
    guard case .connected = state else {
      throw ControlError(.unreachable, "there is no tunnel to the agent of \(identity.workload) now")
    }
    let endpoint = endpoint
    let id = nextRequest
    nextRequest += 1
    let timer = Task {
      try? await Task.sleep(for: limit)
      if !Task.isCancelled { self.answer(id, nil) }
    }
    let answer = await withCheckedContinuation { continuation in
      requests.append(Request(id: id, kind: message.kind, port: message.port, continuation: continuation))
      relay.submit { loop in endpoint.get(on: loop).send(message) }
    }
    timer.cancel()
    guard let answer else {
      throw ControlError(.timedOut, "the agent of \(identity.workload) did not answer in \(limit)")
    }
    return answer
  }

  /// Gives the agent the rules of a port; they count from the port's next turn on.
  public nonisolated func send(rules text: [UInt8], for port: UInt16) async -> StreamStatus {
    var payload = [UInt8](repeating: 0, count: 4)
    payload.withUnsafeMutableBytes { $0.baseAddress!.storeBE32(UInt32(clamping: text.count)) }
    return await probe(Preamble(.rules, port: port), payload: payload + text)
  }

  /// Checks whether the agent can connect to an address of the cluster; the connection ends at once.
  /// - Parameter payload: the bytes behind the preamble, for another kind of stream.
  public nonisolated func probe(_ preamble: Preamble, payload: [UInt8] = []) async -> StreamStatus {
    let endpoint = endpoint
    return await withCheckedContinuation { continuation in
      relay.submit { loop in
        guard let session = endpoint.get(on: loop).session else { return continuation.resume(returning: .failed) }
        let end = session.open { slot in
          DialProbe(session: session, slot: slot, preamble: preamble, payload: payload) {
            continuation.resume(returning: $0)
          }
        }
        if end == nil { continuation.resume(returning: .exhausted) }
      }
    }
  }

  /// Lets the agent report the requests of connections to its `port` that it splits.
  /// - Parameter take: called on the relay's thread.
  /// - Returns: the stream, which the caller ends; nil without a session.
  public nonisolated func watch(_ port: UInt16, take: @escaping @Sendable ([WatchedRecordReader.Event]) -> Void) async
    -> RequestsWatching?
  {
    let (endpoint, relay) = (endpoint, relay)
    let watch = await relay.run { loop -> OnLoop<WatchEnd>? in
      guard let session = endpoint.get(on: loop).session, session.isOpen else { return nil }
      let end = session.open { WatchEnd(session: session, slot: $0, port: port, take: take) }
      return (end as? WatchEnd).map { OnLoop($0, on: loop) }
    }
    guard let watch else { return nil }
    return RequestsWatching(
      isOver: { await relay.run { watch.get(on: $0).isOver } },
      stop: { relay.submit { watch.get(on: $0).stop() } })
  }

  /// Checks whether the host's target for the agent's `port` accepts a connection, which ends at once.
  public nonisolated func probeHost(_ port: UInt16) async -> StreamStatus {
    let endpoint = endpoint
    return await withCheckedContinuation { continuation in
      relay.submit { loop in endpoint.get(on: loop).router.probe(port) { continuation.resume(returning: $0) } }
    }
  }

  private func answer(_ id: Int, _ message: ControlMessage?) {
    guard let index = requests.firstIndex(where: { $0.id == id }) else { return }
    requests.remove(at: index).continuation.resume(returning: message)
  }

  private func failRequests() {
    let due = requests
    requests = []
    for request in due { request.continuation.resume(returning: nil) }
  }

  // MARK: Keeping

  private func keep() async {
    var delay = Duration.milliseconds(50)
    let expiry = Task { [endpoint, relay] in
      while (try? await Task.sleep(for: .seconds(1))) != nil {
        relay.submit { loop in endpoint.get(on: loop).expire() }
      }
    }
    defer { expiry.cancel() }
    while !Task.isCancelled, state != .stopped {
      let stood = await session()
      failRequests()
      if state == .stopped || Task.isCancelled { return }
      change(to: .connecting)
      delay = stood ? .milliseconds(50) : min(delay * 2, .seconds(2))
      try? await Task.sleep(for: delay)
    }
  }

  /// Runs one session from dial to end; returns false if it never opened.
  private func session() async -> Bool {
    let pod: AgentPod
    let connection: PortForwardConnection
    do {
      if let onReconnect, hasTried {
        let found = try await onReconnect()
        if found.uid != current.uid { note("someone removed or changed the agent: another has been made") }
        current = found
      }
      hasTried = true
      var pods = AgentPods(client: client, of: current)
      pods.beforeDivert = false
      pod = try await running(pods)
      connection = try await dial(pod.name)
      // A port-forward goes by name. One UID before and after it: the connection is to that very Pod.
      try await pods.confirm(pod)
    } catch {
      if !Task.isCancelled { note("\(error)") }
      return false
    }
    carrier = connection.subprotocol
    let (events, feed) = AsyncStream.makeStream(of: LinkEvent.self)
    let hello = Hello(holder: holder, token: current.token)
    let endpoint = endpoint
    let gate = MessageGate()
    relay.submit { loop in
      endpoint.get(on: loop).attach(connection, hello: hello) { if gate.admits($0) { feed.yield($0) } }
    }
    let patience = Task {
      try? await Task.sleep(for: .seconds(5))
      if !Task.isCancelled {
        feed.yield(.problem("the agent did not answer the hello"))
        feed.finish()
      }
    }
    defer { patience.cancel() }
    var stood = false
    for await event in events {
      gate.handled(event)
      switch event {
      case .session(.opened):
        patience.cancel()
        stood = true
        await connectedNow(pod.name)
      case .session(.refused(.crowded, _)):
        note("the agent has as many sessions as it may: others intercept this workload, too")
        return stood
      case .session(.refused(let verdict, let version)):
        note("the agent refused the session: \(verdict), its version is \(version)")
        return stood
      case .session(.carrierEnded(let end)):
        note("the port-forward ended: \(end)")
        return stood
      case .session(.violation(let violation)):
        note("the agent broke the protocol: \(violation)")
        return stood
      case .session(.silent):
        onSilence?(true)
        note("the agent has been silent for 5 s")
      case .session(.heardAgain):
        onSilence?(false)
        log.info("the agent answers again")
      case .problem(let text): note(text)
      case .message(let message): await take(message)
      }
    }
    await onLoop { $0.detach() }
    return stood
  }

  /// Waits for the agent's Pod. A Pod whose Deployment is deleted meanwhile, with its namespace for one, will never
  /// run: the wait then ends, so that the next session brings the agent back.
  private func running(_ pods: AgentPods) async throws(ControlError) -> AgentPod {
    let bringsBack = onReconnect != nil
    let outcome = await withTaskGroup(of: Result<AgentPod, ControlError>?.self) { group in
      group.addTask {
        do throws(ControlError) { return .success(try await pods.running(within: .seconds(60))) } catch {
          return .failure(error)
        }
      }
      if bringsBack {
        group.addTask {
          while (try? await Task.sleep(for: .seconds(1))) != nil {
            if (try? await self.isMissing()) ?? false { break }
          }
          return nil
        }
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    guard let outcome else { throw ControlError(.notFound, "the agent was removed from the cluster while it started") }
    return try outcome.get()
  }

  private func dial(_ pod: String) async throws(KubeError) -> PortForwardConnection {
    do throws(KubeError) {
      let connection = try await client.dialPortForward(
        namespace: identity.namespace, pod: pod, port: current.controlPort, offering: protocols)
      refusal = nil
      return connection
    } catch {
      refusal =
        error.isForbidden ? ControlError(error, doing: "opening the tunnel to Pod \(identity.namespace)/\(pod)") : nil
      throw error
    }
  }

  private func isMissing() async throws(KubeError) -> Bool {
    let deployment = try await client.find(
      .deployments, AgentNames.base(current.workload), namespace: current.namespace)
    return deployment?.isBeingDeleted ?? true
  }

  private func connectedNow(_ pod: String) async {
    log.debug("session open", metadata: ["pod": "\(pod)", "carrier": "\(carrier ?? "none")"])
    state = .connected(pod: pod)
    told = []
    if let onConnected { Task { await onConnected() } }
    onState?(state)
  }

  private func take(_ message: ControlMessage) async {
    if let index = requests.firstIndex(where: { $0.kind == message.kind && $0.port == message.port }) {
      requests.remove(at: index).continuation.resume(returning: message)
    } else {
      await onMessage?(message)
    }
  }

  private func note(_ problem: String) {
    lastProblem = problem
    // An agent that cannot be brought back is retried every two seconds, with two problems each time.
    guard !told.contains(problem) else { return }
    told = told.suffix(1) + [problem]
    log.warning("tunnel", metadata: ["workload": "\(identity.workload)", "problem": "\(problem)"])
  }

  private func change(to new: State) {
    guard state != new else { return }
    state = new
    onState?(new)
  }
}
