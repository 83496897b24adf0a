import CShell

/// The files of name resolution, as the shell sees them.
struct ResolverFiles {
  private(set) var files: [StandInFile] = []

  /// Puts the plan's files over the host's, and hides nscd, which would answer from the host's (nscd(8)).
  init(plan: ShellPlan) throws(ShellError) {
    files.append(try StandInFile(source: plan.resolvConf, over: "/etc/resolv.conf"))
    // Without an nsswitch.conf, the C library asks files and DNS anyway.
    if let nsswitch = plan.nsswitch, Self.exists("/etc/nsswitch.conf") {
      files.append(try StandInFile(source: nsswitch, over: "/etc/nsswitch.conf"))
    }
    if let hosts = plan.hosts { files.append(try StandInFile(source: hosts, over: "/etc/hosts")) }
    for socket in ["/run/nscd/socket", "/var/run/nscd/socket"] where Self.exists(socket) {
      let nothing = try StandInFile(source: "/dev/null", over: socket)
      files.append(nothing)
    }
  }

  private static func exists(_ path: String) -> Bool { cshell_kind(path, 1, nil, nil) >= 0 }

  /// Puts back mounts that the host has dropped.
  /// - Returns: false while one is missing since no file is under it.
  func restore() -> Bool {
    var whole = true
    for file in files where !file.isInPlace { whole = file.restore() && whole }
    return whole
  }
}
