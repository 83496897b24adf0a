#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Finds the programs that are installed on this machine: builders, git, kustomize, helm.
public enum InstalledProgram {
  /// Finds a program in PATH (if unset, in the usual directories), then in the sbin directories, which a
  /// user's PATH often leaves out.
  public static func find(_ name: String, environment: [String: String]) -> String? {
    if name.contains("/") { return isExecutable(name) ? name : nil }
    let path = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map(String.init)
    return (path + ["/usr/local/sbin", "/usr/sbin", "/sbin"]).map { $0 + "/" + name }.first(where: isExecutable)
  }

  /// Returns the places that `find` searches, for errors.
  public static func places(_ environment: [String: String]) -> String {
    "PATH (\(environment["PATH"] ?? "not set")) and the sbin directories"
  }

  /// Checks that a path is a file that this user may run.
  public static func isExecutable(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }
}
