/// What the daemon wants a shell to be.
struct ShellPlan: Equatable {
  /// A file or folder to be seen at another path inside.
  struct Bind: Equatable {
    var source: String
    var target: String
    /// May lie over something that exists.
    var over: Bool
  }

  /// The daemon's socket.
  var socket = ""
  /// Names this shell to the daemon: 32 hex digits.
  var id = ""
  /// The address of the shell itself.
  var address = IPv4Address(value: 0)
  /// Where DNS is answered, port 53.
  var dns: [IPv4Address] = []
  /// Files that stand in for the host's.
  var resolvConf = ""
  var nsswitch: String?
  var hosts: String?
  var binds: [Bind] = []
  /// Ports of 127.0.0.1 that lead to the host's.
  var hostPorts: [UInt16] = []
  var hostname: String?
}
