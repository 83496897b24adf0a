import ControlAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An IP address of the host, or of something that the host reaches.
enum HostAddress {
  static func parse(_ text: String) throws(ControlError) -> String {
    var v4 = in_addr()
    var v6 = in6_addr()
    if text == "localhost" { return "127.0.0.1" }
    guard inet_pton(AF_INET, text, &v4) == 1 || inet_pton(AF_INET6, text, &v6) == 1 else {
      throw ControlError(.badInput, "must be an IP address such as 127.0.0.1 or ::1, not \(text)")
    }
    return text
  }
}
