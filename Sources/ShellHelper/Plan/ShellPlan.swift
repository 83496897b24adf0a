/// The daemon's plan for a shell.
struct ShellPlan: Equatable {
  /// A file or folder with another path inside.
  struct Bind: Equatable {
    var source: String
    var target: String
    /// True if it may hide something that exists.
    var over: Bool
  }

  /// The daemon's socket.
  var socket = ""
  /// The shell's name for the daemon: 32 hex digits.
  var id = ""
  /// The address of the shell itself.
  var address = IPv4Address(value: 0)
  /// The addresses of DNS, port 53.
  var dns: [IPv4Address] = []
  /// Files that replace the host's.
  var resolvConf = ""
  var nsswitch: String?
  var hosts: String?
  var binds: [Bind] = []
  /// Ports of 127.0.0.1 that connect to the host's.
  var hostPorts: [UInt16] = []
  var hostname: String?
}
