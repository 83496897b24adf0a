import CLinux
import CSSH2
import Glibc
import Synchronization
import Threads

/// The thread behind a `BastionConnection`: one SSH session at a time, and its channels. Only this thread uses libssh2.
///
/// Unchecked: everything below "The thread's own" belongs to `run()`; other threads use `post` and
/// `stop`, whose state has a lock.
final class BastionLoop: @unchecked Sendable {
  enum Message {
    case open(Opening)
    case arrive(Arrival)
    /// Connects now, even after earlier failures.
    case connect(@Sendable (BastionError?) -> Void)
  }

  private struct Inbox {
    var messages: [Message] = []
    var isStopped = false
    var isRunning = false
  }

  private let settings: BastionSettings
  private let hop: BastionConnection?
  private let wake = clinux_eventfd()
  private let inbox = Mutex(Inbox())
  /// The number of turns in which the thread had something to do.
  let turns = Atomic(0)

  /// - Parameter hop: the SSH host through which the way leads; nil for none.
  init(_ settings: BastionSettings, hop: BastionConnection? = nil) {
    self.settings = settings
    self.hop = hop
  }

  deinit { clinux_close(wake) }

  /// Posts a message from any thread; the first one starts the loop's own.
  func post(_ message: Message) {
    let (isStopped, starts) = inbox.withLock { inbox in
      guard !inbox.isStopped else { return (true, false) }
      inbox.messages.append(message)
      defer { inbox.isRunning = true }
      return (false, !inbox.isRunning)
    }
    if isStopped { return answer(message, .closed(host: settings.name)) }
    clinux_eventfd_signal(wake)
    guard starts else { return }
    do throws(ThreadError) {
      try startThread("bastion") { self.run() }
    } catch {
      stop()
      for message in takeMessages() { answer(message, .unreachable(host: settings.name, cause: error.description)) }
    }
  }

  func stop() {
    inbox.withLock { $0.isStopped = true }
    clinux_eventfd_signal(wake)
  }

  private var isStopped: Bool { inbox.withLock { $0.isStopped } }

  private func takeMessages() -> [Message] {
    inbox.withLock { inbox in
      defer { inbox.messages = [] }
      return inbox.messages
    }
  }

  private func answer(_ message: Message, _ error: BastionError) {
    switch message {
    case .open(let opening): refuse(opening, error)
    case .arrive(let arrival):
      arrival.report(.refused(error))
      arrival.incoming.close()
    case .connect(let reply): reply(error)
    }
  }

  private func refuse(_ opening: Opening, _ error: BastionError) {
    opening.report(.refused(error))
    clinux_close(opening.socket)
  }

  // MARK: The thread's own

  private var session: SSHSession?
  private var keepAlive = KeepAlive(interval: .seconds(15))
  private var channels: [Channel] = []
  private var arrivals: [Arrival] = []
  private var waiting: [Opening] = []
  /// True once libssh2 knows the first of `waiting`.
  private var isOpening = false
  private var retried: Opening?
  /// Closed by us, and not yet by the server.
  private var closing: [OpaquePointer] = []
  /// The last channel that was closed: libssh2 reads the connection only through a channel, and global
  /// requests need answers at all times.
  private var spare: OpaquePointer?
  private var asked: [@Sendable (BastionError?) -> Void] = []
  private var failure: BastionError?
  private var failures = 0
  private var retryAt = ContinuousClock.now
  private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)

  private func run() {
    while !isStopped {
      for message in takeMessages() {
        switch message {
        case .open(let opening): waiting.append(opening)
        case .arrive(let arrival): arrivals.append(arrival)
        case .connect(let reply): asked.append(reply)
        }
      }
      arrivals.removeAll { arrival in
        guard let opening = arrival.take() else { return false }
        waiting.append(opening)
        return true
      }
      if session == nil, !waiting.isEmpty || !asked.isEmpty { connect() }
      guard let session else {
        wait(for: nil)
        continue
      }
      for reply in asked { reply(nil) }
      asked = []
      if let problem = turn(session) { lose(session, problem) } else { wait(for: session) }
    }
    let error = BastionError.closed(host: settings.name)
    for opening in waiting { refuse(opening, error) }
    for arrival in arrivals { answer(.arrive(arrival), error) }
    for message in takeMessages() { answer(message, error) }
    for reply in asked { reply(error) }
    if let session { end(session, error) }
    arrivals = []
    waiting = []
    asked = []
    scratch.deallocate()
  }

  // MARK: Connecting

  private func connect() {
    do throws(BastionError) {
      // Do not repeat a failure at the speed of its users' retries, unless someone asks for a connection as such.
      if asked.isEmpty, let failure, .now < retryAt { throw failure }
      session = try SSHSession.login(settings, through: hop, wake: wake) { self.isStopped }
      keepAlive = KeepAlive(interval: settings.keepAlive)
      failure = nil
      failures = 0
      // Messages that came while the thread was busy were signalled in vain.
      clinux_eventfd_signal(wake)
    } catch {
      if error != failure || .now >= retryAt || !asked.isEmpty {
        failures = min(failures + 1, 6)
        retryAt = .now + min(.seconds(15), .milliseconds(250) * (1 << failures))
        failure = error
      }
      for opening in waiting { refuse(opening, error) }
      for reply in asked { reply(error) }
      waiting = []
      asked = []
      clinux_eventfd_signal(wake)
    }
  }

  private func lose(_ session: SSHSession, _ problem: String) {
    let error = BastionError.connectionLost(host: settings.name, cause: problem)
    // An unfinished opening has sent nothing: it moves to the next connection, once.
    if isOpening, let opening = waiting.first {
      if retried === opening { refuse(waiting.removeFirst(), error) } else { retried = opening }
    }
    isOpening = false
    end(session, error)
    clinux_eventfd_signal(wake)
  }

  private func end(_ session: SSHSession, _ error: BastionError) {
    for channel in channels {
      channel.opening.report(.lost(error))
      clinux_close(channel.socket)
    }
    channels = []
    // Freed with the session.
    closing = []
    spare = nil
    session.disconnect()
    self.session = nil
  }

  // MARK: A turn

  /// Moves all data that can be moved.
  /// - Returns: the reason why the session is over.
  private func turn(_ session: SSHSession) -> String? {
    turns.add(1, ordering: .relaxed)
    session.transport.beginTurn()
    if let problem = open(session) { return problem }
    if let reader,
      let problem = failed(session, Int32(clamping: libssh2_channel_read_ex(reader, 0, scratch.baseAddress, 0)))
    {
      return problem
    }
    var finished = false
    for channel in channels {
      if let code = channel.pump(scratch), let problem = failed(session, code) { return problem }
      finished = finished || channel.isFinished
    }
    if finished {
      for channel in channels where channel.isFinished {
        clinux_close(channel.socket)
        closing.append(channel.handle)
      }
      channels.removeAll(where: \.isFinished)
    }
    if !closing.isEmpty { close() }
    guard keepAlive.tick(session) else { return "the server does not answer" }
    session.transport.flush()
    return session.transport.hasInput ? nil : session.transport.end
  }

  private func failed(_ session: SSHSession, _ code: Int32) -> String? {
    code >= 0 || code == LIBSSH2_ERROR_EAGAIN ? nil : session.transport.end ?? session.lastError
  }

  private var reader: OpaquePointer? { channels.first?.handle ?? closing.first ?? spare }

  /// Opens channels one after the other: libssh2 keeps the state of an open in the session.
  private func open(_ session: SSHSession) -> String? {
    while let opening = waiting.first {
      isOpening = true
      switch opening.advance(session) {
      case .pending: return nil
      case .opened(let handle):
        channels.append(Channel(handle, opening, session.transport))
        opening.report(.opened)
      case .refused(let reason):
        refuse(opening, .channelRefused(host: settings.name, target: opening.target, reason: reason))
      case .failed(let problem): return problem
      }
      isOpening = false
      waiting.removeFirst()
    }
    return nil
  }

  private func close() {
    closing.removeAll { handle in
      guard libssh2_channel_close(handle) != LIBSSH2_ERROR_EAGAIN else { return false }
      if let spare { libssh2_channel_free(spare) }
      spare = handle
      return true
    }
  }

  // MARK: Waiting

  private func wait(for session: SSHSession?) {
    var entries = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
    var polled: [Channel] = []
    var timeout: Int32 = -1
    entries += arrivals.map { pollfd(fd: $0.incoming.listener, events: Int16(POLLIN), revents: 0) }
    let first = entries.count
    if let session {
      let transport = session.transport
      // While nothing can read, only the end is of interest: POLLRDHUP of poll(2), which Glibc's module does not have.
      var events = isOpening || reader != nil ? Int16(POLLIN) : 0x2000
      if transport.backlog > 0 { events |= Int16(POLLOUT) }
      entries.append(pollfd(fd: transport.socket, events: events, revents: 0))
      for channel in channels {
        guard let entry = channel.interest else { continue }
        entries.append(entry)
        polled.append(channel)
      }
      timeout = (keepAlive.next - .now).pollMilliseconds
      let hasRoom = transport.backlog < Transport.backlogLimit && channels.contains(where: \.waitsForBacklog)
      if hasRoom || transport.hasInput && (isOpening || reader != nil) { timeout = 0 }
    }
    poll(&entries, UInt(entries.count), timeout)
    if entries[0].revents != 0 { clinux_eventfd_drain(wake) }
    guard let session else { return }
    let over = Int16(POLLHUP | POLLERR | 0x2000)
    if reader == nil, !isOpening, entries[first].revents & over != 0 { return lose(session, "the server closed it") }
    for (channel, entry) in zip(polled, entries.dropFirst(first + 1)) where entry.revents != 0 {
      channel.ready(entry.revents)
    }
  }
}
