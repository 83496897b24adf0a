import CSSH2
import Glibc

/// Starts a detached thread, since Swift's own must not block; false when there is none to be had.
/// - Parameter name: at most 15 bytes, as `/proc/<pid>/task/<tid>/comm` holds.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
  final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void
    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }
  let start = Unmanaged.passRetained(Start(name, body))
  var thread = pthread_t()
  let code = pthread_create(
    &thread, nil,
    { context in
      let start = Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
      cssh2_name_thread(start.name)
      start.body()
      return nil
    }, start.toOpaque())
  guard code == 0 else {
    start.release()
    return false
  }
  pthread_detach(thread)
  return true
}
