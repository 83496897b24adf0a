#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where programs are.
enum Program {
  /// Finds a program in PATH, then where administrators' programs stand: a user's PATH often leaves those directories out.
  static func find(_ name: String, environment: [String: String]) -> String? {
    if name.contains("/") { return isExecutable(name) ? name : nil }
    let path = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return (path + ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]).map { $0 + "/" + name }.first(where: isExecutable)
  }

  static func isExecutable(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }
}
