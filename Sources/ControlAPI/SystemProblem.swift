#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension ControlError {
  /// A system call that failed, with `code` as -errno.
  package static func system(_ what: String, _ code: Int, remedy: String? = nil) -> ControlError {
    ControlError(.failed, "\(what): \(String(cString: strerror(Int32(-code))))", remedy: remedy)
  }
}
