import CLinux

/// A socket that is bound to a port of the Pod's, by all of its addresses.
struct PodSocket {
  let fd: Int32
  /// The actual port, if 0 was asked for.
  let port: UInt16

  /// - Parameter bind: makes the socket for an address; negative if that fails.
  /// - Returns: nil if the port is taken, or this process may not have it.
  init?(_ configuration: AgentConfiguration, port: UInt16, bind: (UnsafePointer<clinux_address>) -> Int32) {
    var address = configuration.listenAddress ?? Self.everyAddress
    address.port = port
    var fd = bind(&address)
    if fd < 0, address.family == 6 {  // a node without IPv6
      address = clinux_address([0, 0, 0, 0], port: port) ?? address
      fd = bind(&address)
    }
    guard fd >= 0 else { return nil }
    clinux_local_address(fd, &address)
    self.fd = fd
    self.port = address.port
  }

  /// "::", which takes IPv4 as well.
  private static var everyAddress: clinux_address {
    var address = clinux_address()
    address.family = 6
    return address
  }
}
