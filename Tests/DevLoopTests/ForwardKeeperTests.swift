import FoundationEssentials
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import DevLoop

/// Forwards that a test ends.
private final class FakeForwarder: PortForwarding {
  final class Handle: OpenPortForward {
    private let stream: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation
    private let closed = Mutex(false)

    init() { (stream, end) = AsyncStream.makeStream() }

    var isOpen: Bool { !closed.withLock { $0 } }
    func ended() async { for await _ in stream {} }
    func finish() {
      closed.withLock { $0 = true }
      end.finish()
    }
    func close() async { finish() }
  }

  private struct State {
    var hosts: [UInt16] = []
    var handles: [Handle] = []
    var failures = 0
  }

  private let state = Mutex(State())

  /// The host ports of all calls, in their order.
  var hosts: [UInt16] { state.withLock { $0.hosts } }
  func fail(times: Int) { state.withLock { $0.failures = times } }
  /// The daemon ends.
  func endAll() { state.withLock { $0.handles }.forEach { $0.finish() } }

  func open(_ forward: PortForward, host: UInt16) async throws(LoopError) -> any OpenPortForward {
    let handle = Handle()
    let fails = state.withLock { state in
      state.hosts.append(host)
      guard state.failures == 0 else {
        state.failures -= 1
        return true
      }
      state.handles.append(handle)
      return false
    }
    if fails { throw LoopError(.forwarding, "no daemon") }
    return handle
  }
}

@Suite(.timeLimit(.minutes(1)))
struct ForwardKeeperTests {
  private func with(
    _ test: (ForwardKeeper, FakeForwarder, inout AsyncStream<DevEvent>.Iterator) async throws -> Void
  ) async throws {
    let (events, continuation) = AsyncStream.makeStream(of: DevEvent.self)
    let keeper = ForwardKeeper(memory: nil, sleep: { _ in await Task.yield() }, events: { continuation.yield($0) })
    let forwarder = FakeForwarder()
    var iterator = events.makeAsyncIterator()
    try await test(keeper, forwarder, &iterator)
    await keeper.closeAll()
  }

  private func forward(_ name: String, _ port: UInt16) -> PortForward {
    PortForward(target: "svc/\(name)", namespace: "shop", port: "80", preferred: port)
  }

  private func untilForwarded(_ events: inout AsyncStream<DevEvent>.Iterator) async throws -> String {
    guard case .forwarded(let event) = try await events.until({ if case .forwarded = $0 { true } else { false } })
    else {
      throw EndOfEvents()
    }
    return event.host
  }

  @Test("Forwards have settled once they are open and their connections are not reset, soon or late")
  func settling() async throws {
    try await with { keeper, forwarder, events in
      let (listener, port) = listening()
      close(listener)
      await keeper.update([forward("web", port)], with: forwarder)
      let settled = Task { await keeper.settle() }
      _ = try await untilForwarded(&events)
      let accepted = Mutex<[Int32]>([])
      let pods = AcceptingThread(listening(at: port)) { connection in
        let count = accepted.withLock { all in
          all.append(connection)
          return all.count
        }
        // As a tunnel does that hears late of a refusal.
        if count < 3 {
          usleep(100_000)
          shutdown(connection, Int32(SHUT_RDWR))
        }
      }
      await settled.value
      #expect(accepted.withLock { $0.count } == 3)
      pods.stop()
      accepted.withLock { $0 }.forEach { close($0) }
    }
  }

  @Test("A forward whose daemon ends is reported, and opened again at its port")
  func daemonEnds() async throws {
    try await with { keeper, forwarder, events in
      await keeper.update([forward("app", 47_321)], with: forwarder)
      let host = try await untilForwarded(&events)
      // The first two attempts find no daemon; that is reported once.
      forwarder.fail(times: 2)
      forwarder.endAll()
      guard case .unforwarded(let event)? = await events.next() else { throw EndOfEvents() }
      #expect(event.host == host && event.note?.contains("daemon has ended") == true)
      guard case .failed(let error)? = await events.next() else { throw EndOfEvents() }
      #expect(error.message == "no daemon")
      guard case .forwarded(let again)? = await events.next() else { throw EndOfEvents() }
      #expect(again.host == host && Set(forwarder.hosts).count == 1 && forwarder.hosts.count == 4)
    }
  }

  @Test("A forward that nobody wants any more is closed, and not opened again")
  func unwanted() async throws {
    try await with { keeper, forwarder, events in
      await keeper.update([forward("app", 47_331), forward("other", 47_341)], with: forwarder)
      _ = try await untilForwarded(&events)
      _ = try await untilForwarded(&events)
      await keeper.update([forward("other", 47_341), forward("new", 47_351)], with: forwarder)
      let host = try await untilForwarded(&events)
      #expect(host.hasSuffix(String(forwarder.hosts[2])) && forwarder.hosts.count == 3)
    }
  }
}
