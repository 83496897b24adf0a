import CCurl

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Starts a detached thread for work that blocks, which Swift's own threads must not.
/// - Parameter name: at most 15 bytes, as `/proc/<pid>/task/<tid>/comm` holds.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(KubeError) {
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
      ccurl_name_thread(start.name)
      start.body()
      return nil
    }, start.toOpaque())
  guard code == 0 else {
    start.release()
    throw .transport(problem: "no thread could be started: \(String(cString: strerror(code)))")
  }
  pthread_detach(thread)
}
