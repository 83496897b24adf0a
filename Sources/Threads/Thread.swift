// Threads for blocking work: Swift's own pool has one for each processor, and a task that waits in a
// system call takes one away from all others.

import CLinux

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Starts a detached thread.
/// - Parameters:
///   - name: at most 15 bytes, as in `/proc/<pid>/task/<tid>/comm`.
///   - stackSize: bytes; nil: the system's, mostly 8 MiB, for deep calls (libcurl, TLS).
/// - Throws: `ThreadError` if the kernel has none to give; `body` does not run then.
public func startThread(_ name: String, stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void)
  throws(ThreadError)
{
  final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void
    init(_ name: String, _ body: @escaping @Sendable () -> Void) { (self.name, self.body) = (name, body) }
  }
  let start = Unmanaged.passRetained(Start(name, body))
  var thread = pthread_t()
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  if let stackSize { pthread_attr_setstacksize(&attributes, stackSize) }
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  let code = pthread_create(
    &thread, &attributes,
    { context in
      guard let context else { return nil }
      let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
      clinux_name_thread(start.name)
      start.body()
      return nil
    }, start.toOpaque())
  guard code == 0 else {
    start.release()
    throw ThreadError(errno: code)
  }
}

/// The error that the kernel gave no thread.
public struct ThreadError: Error, Sendable, Equatable, CustomStringConvertible {
  /// pthread_create(3): EAGAIN if a limit of processes or of memory is reached.
  public let errno: Int32

  public init(errno: Int32) { self.errno = errno }

  public var description: String { "no thread could be started: \(String(cString: strerror(errno)))" }
}
