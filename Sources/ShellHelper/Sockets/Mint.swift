import CLinux
import CShell
import Glibc
import ShellChannel

/// Makes the sockets that the daemon asks for, in this process's network namespace.
enum Mint {
  /// Returns the answer to a request.
  static func answer(_ request: UInt32, _ wanted: MintedSocket) -> ShellMessage {
    let fd =
      switch wanted {
      case .tcp(let family): cshell_unconnected(Int32(family))
      case .udp(let address): bound(address)
      }
    return fd < 0
      ? .minted(request: request, errno: -fd, nil) : .minted(request: request, errno: 0, PassedDescriptor(fd))
  }

  private static func bound(_ address: clinux_address) -> Int32 {
    let options = Int32(cshell_transparent | cshell_shared)
    let bytes = withUnsafeBytes(of: address.bytes) { Array($0) }
    if address.family == 6 { return cshell_bound6(1, bytes, address.port, options) }
    return cshell_bound(1, bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }, address.port, options)
  }
}
