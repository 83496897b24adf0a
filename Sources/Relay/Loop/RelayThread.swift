#if !hasFeature(Embedded)
  import CLinux
  import Glibc
  import Synchronization

  /// The daemon's relay: one loop on a thread of its own. Other threads reach its objects by submitting work.
  public final class RelayThread: Sendable {
    public typealias Work = @Sendable (EventLoop) -> Void

    private let inbox: Mutex<[Work]> = Mutex([])
    private let wake: Int32

    /// - Returns: nil if the kernel gives no descriptors for it.
    public init?() {
      wake = clinux_eventfd()
      guard wake >= 0 else { return nil }
      let context = Unmanaged.passRetained(self)
      var thread = pthread_t()
      let status = pthread_create(
        &thread, nil,
        { context in
          Unmanaged<RelayThread>.fromOpaque(context!).takeRetainedValue().loopForever()
          return nil
        }, context.toOpaque())
      guard status == 0 else {
        context.release()
        return nil
      }
      pthread_detach(thread)
    }

    private func loopForever() {
      guard let loop = EventLoop() else { return }
      let waker = Waker(wake) { [self] in
        let work = inbox.withLock { inbox in
          defer { inbox = [] }
          return inbox
        }
        for item in work { item(loop) }
      }
      loop.watch(wake, waker)
      loop.run()
      // The loop and what it watches hold each other.
      loop.unwatch(wake)
      loop.unregister(waker)
      clinux_close(wake)
    }

    /// Runs on the relay's thread, in the order of submission.
    public func submit(_ work: @escaping Work) {
      inbox.withLock { $0.append(work) }
      clinux_eventfd_signal(wake)
    }

    /// Runs on the relay's thread and returns the result.
    public func run<Result: Sendable>(_ work: @escaping @Sendable (EventLoop) -> Result) async -> Result {
      await withCheckedContinuation { continuation in submit { continuation.resume(returning: work($0)) } }
    }

    /// Limits the connections of tunnels that are made from now on, and of all together.
    public func limit(_ limits: ConnectionLimits) {
      submit { loop in
        loop.connections.limit = limits.all
        loop.tunnelLimit = limits.tunnel
      }
    }

    /// Lets taps look at connections that are made from now on.
    public func look(_ source: @escaping @Sendable () -> TapSource) { submit { $0.taps = source() } }

    /// Ends the thread once earlier work is done.
    public func stop() { submit { $0.stop() } }
  }

  private final class Waker: Handler {
    private let fd: Int32
    private let onWake: () -> Void

    init(_ fd: Int32, _ onWake: @escaping () -> Void) {
      self.fd = fd
      self.onWake = onWake
    }

    override func ready(_ events: UInt32) {
      clinux_eventfd_drain(fd)
      onWake()
    }
  }

  /// A value that belongs to a relay's thread, which others only hold as a reference.
  ///
  /// Unchecked: the value is reached through a loop alone, and a loop is available on its own thread only
  /// (`RelayThread.submit`).
  public struct OnLoop<Value>: @unchecked Sendable {
    private let value: Value

    public init(_ value: Value, on loop: EventLoop) { self.value = value }

    public func get(on loop: EventLoop) -> Value { value }
  }
#endif
