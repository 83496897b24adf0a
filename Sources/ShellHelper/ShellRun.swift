import CShell
import Glibc
import ShellChannel

/// `devtunnel-shell run`: namespaces, network, sockets, mounts, then the daemon's welcome, then the command.
struct ShellRun {
  var plan: ShellPlan
  var command: [String]

  /// - Returns: the command's exit status, 128 and the signal that ended it, or 125 if the daemon refused.
  func run() throws(ShellError) -> Int32 {
    let directory = workingDirectory()
    // Through a descriptor of its folder the socket is found, whatever is mounted over the path.
    let door = try DaemonDoor(path: plan.socket)
    let first = try door.connect()
    try ShellNamespace(hostname: plan.hostname).enter()
    let network = ShellNetwork(plan: plan)
    try network.bringUp()
    try network.addRules()
    let sockets = try ShellSockets(dns: plan.dns)
    try VolumeMounts(binds: plan.binds).mount()
    let resolver = try ResolverFiles(plan: plan)
    if let directory { _ = chdir(directory) }

    let link = DaemonLink(door: door, hello: sockets.hello(id: plan.id))
    try link.open(over: first)
    let child = try ChildCommand(command)
    return try Resident(child: child, link: link, resolver: resolver).run()
  }

  private func workingDirectory() -> String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }
}
