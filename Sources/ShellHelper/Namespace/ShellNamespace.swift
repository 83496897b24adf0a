import CShell
import Glibc

/// The namespaces of a shell: its user keeps uid and gid, its network begins empty, its mounts are its own.
struct ShellNamespace {
  var hostname: String?

  /// Moves this process into new namespaces, for good.
  func enter() throws(ShellError) {
    let uid = getuid()
    let gid = getgid()
    let rest = cshell_new_mount | cshell_new_net | (hostname == nil ? 0 : cshell_new_uts)
    // Root needs no user namespace, and in one it would lose its power over other users' files.
    if uid != 0 || cshell_unshare(Int32(rest)) < 0 {
      let result = cshell_unshare(Int32(cshell_new_user | rest))
      try check(result, "make a user, network and mount namespace", advice: Obstacle.advice(errno: -result))
      try check(
        cshell_write_file("/proc/self/setgroups", "deny"), "write /proc/self/setgroups",
        advice: Obstacle.advice(errno: EPERM))
      try check(
        cshell_write_file("/proc/self/uid_map", "\(uid) \(uid) 1"), "write /proc/self/uid_map",
        advice: Obstacle.advice(errno: EPERM))
      try check(
        cshell_write_file("/proc/self/gid_map", "\(gid) \(gid) 1"), "write /proc/self/gid_map",
        advice: Obstacle.advice(errno: EPERM))
    }
    if let hostname { try check(cshell_set_hostname(hostname), "set the host name \(hostname)") }
    try check(
      cshell_mounts_are_our_own(), "make the mounts of the shell its own", advice: Obstacle.advice(errno: EPERM))
  }
}
