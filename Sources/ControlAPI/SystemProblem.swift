#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension ControlError {
  /// Describes a failed system call, with `code` as -errno.
  package static func system(_ what: String, _ code: Int, remedy: String? = nil) -> ControlError {
    ControlError(.failed, "\(what): \(String(cString: strerror(Int32(-code))))", remedy: remedy)
  }

  /// Returns the system's message about a file, without Foundation's words around it.
  package static func aboutFile(_ error: any Error) -> String {
    guard let code = ((error as? CocoaError)?.underlying as? POSIXError)?.code else { return "\(error)" }
    return String(cString: strerror(code.rawValue))
  }
}
