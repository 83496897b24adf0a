import CControl

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Starts a detached thread for waiting on a socket, which Swift's own threads must not do.
/// - Parameter name: at most 15 bytes, as `/proc/<pid>/task/<tid>/comm` holds.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(ControlError) {
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
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setstacksize(&attributes, 256 << 10)
  let code = pthread_create(
    &thread, &attributes,
    { context in
      let start = Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
      ccontrol_name_thread(start.name)
      start.body()
      return nil
    }, start.toOpaque())
  guard code == 0 else {
    start.release()
    throw .system("no thread could be started", -Int(code))
  }
  pthread_detach(thread)
}
