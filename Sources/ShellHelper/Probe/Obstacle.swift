import CShell
import Glibc

/// The obstacles to user namespaces on this host, with remedies.
enum Obstacle {
  /// Returns the remedy for a namespace, capability or mount that was refused with this errno; nil if the
  /// reason is another.
  static func advice(errno: Int32) -> String? {
    guard errno == EPERM || errno == EACCES || errno == ENOSPC || errno == EUSERS || errno == EINVAL || errno == ENOSYS
    else { return nil }
    return find(errno: errno, setting: setting, isChrooted: cshell_is_chrooted() == 1)
  }

  /// - Parameter setting: the number in a file under /proc/sys, nil if it does not exist.
  static func find(errno: Int32, setting: (String) -> Int?, isChrooted: Bool) -> String {
    if setting("user/max_user_namespaces") == 0 {
      return
        "user.max_user_namespaces is 0: "
        + "as root, sysctl user.max_user_namespaces=15000 (and in /etc/sysctl.d for good)"
    }
    if setting("kernel/unprivileged_userns_clone") == 0 {
      return
        "kernel.unprivileged_userns_clone is 0: "
        + "as root, sysctl kernel.unprivileged_userns_clone=1 (and in /etc/sysctl.d for good)"
    }
    if setting("kernel/apparmor_restrict_unprivileged_userns") == 1 {
      return
        "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1): "
        + "as root, put devtunnel's "
        + "templates/apparmor-devtunnel-shell into /etc/apparmor.d and run apparmor_parser -r on it"
    }
    if isChrooted {
      return
        "this is a chroot, in which the kernel makes no user namespace (user_namespaces(7)): "
        + "use devtunnel outside of it"
    }
    if errno == ENOSPC || errno == EUSERS {
      return "too many namespaces, or nested too deeply: see user.max_user_namespaces and its like under /proc/sys/user"
    }
    if errno == EINVAL || errno == ENOSYS { return "this kernel is built without user or network namespaces" }
    return
      "a seccomp filter, a security module or a chroot forbids it, as in a container: "
      + "run it with --security-opt seccomp=unconfined, or use the proxies instead"
  }

  private static func setting(_ name: String) -> Int? {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = cshell_read_file("/proc/sys/" + name, &bytes, bytes.count)
    guard count > 0 else { return nil }
    return Int(String(decoding: bytes.prefix(count).filter { (0x30...0x39).contains($0) }, as: UTF8.self))
  }
}
