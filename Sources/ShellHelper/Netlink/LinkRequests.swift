import CShell
import Glibc

/// The interfaces of this namespace, and notices of their changes (rtnetlink(7)).
extension NetlinkSocket {
  /// Opens a socket for notices of interfaces and IPv4 routes that come, change and go. Non-blocking.
  static func changes() throws(ShellError) -> NetlinkSocket {
    let socket = try NetlinkSocket(.route)
    // struct sockaddr_nl: AF_NETLINK, padding, port 0 (the kernel's choice), groups RTMGRP_LINK and RTMGRP_IPV4_ROUTE.
    let address: [UInt32] = [16, 0, 1 | 0x40]
    let status = address.withUnsafeBytes { bytes in
      bind(socket.fd, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    guard status == 0, fcntl(socket.fd, F_SETFL, O_NONBLOCK) == 0 else {
      throw ShellError("hear of new interfaces", errno: Glibc.errno)
    }
    return socket
  }

  /// Drops received notices. Lost ones do not matter: everything is looked up again.
  func forget() {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(fd, &buffer, buffer.count, 0)
      guard count > 0 || count < 0 && [EINTR, ENOBUFS].contains(Glibc.errno) else { return }
    }
  }

  /// Returns all interfaces.
  static func links() throws(ShellError) -> [NetworkLink] {
    let socket = try NetlinkSocket(.route)
    var batch = NetlinkBatch()
    batch.request("list the interfaces", type: 18, flags: .dump, header: [UInt8](repeating: 0, count: 16))
    guard send(socket.fd, batch.bytes, batch.bytes.count, 0) == batch.bytes.count else {
      throw ShellError("list the interfaces", errno: Glibc.errno)
    }
    var links: [NetworkLink] = []
    var buffer = [UInt8](repeating: 0, count: 262_144)
    while true {
      let count = recv(socket.fd, &buffer, buffer.count, 0)
      if count < 0, Glibc.errno == EINTR { continue }
      guard count > 0 else { throw ShellError("list the interfaces", errno: count < 0 ? Glibc.errno : EPIPE) }
      let (some, isLast) = Self.links(in: buffer.prefix(count))
      links += some
      if isLast { return links }
    }
  }

  /// Returns the interfaces (RTM_NEWLINK) among the messages, and whether the list ends with them
  /// (NLMSG_DONE or NLMSG_ERROR).
  static func links(in bytes: ArraySlice<UInt8>) -> (links: [NetworkLink], isLast: Bool) {
    var links: [NetworkLink] = []
    var isLast = false
    bytes.withUnsafeBytes { raw in
      var offset = 0
      while offset + 16 <= raw.count {
        let length = Int(raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        guard length >= 16, offset + length <= raw.count else { return }
        switch raw.loadUnaligned(fromByteOffset: offset + 4, as: UInt16.self) {
        case 2, 3: isLast = true
        case 16 where length >= 32:
          links.append(link(UnsafeRawBufferPointer(rebasing: raw[offset + 16..<offset + length])))
        default: break
        }
        offset += (length + 3) & ~3
      }
    }
    return (links, isLast)
  }

  /// - Parameter message: struct ifinfomsg and its attributes.
  private static func link(_ message: UnsafeRawBufferPointer) -> NetworkLink {
    var link = NetworkLink(index: message.loadUnaligned(fromByteOffset: 4, as: Int32.self), name: "")
    attributes(message, from: 16) { type, value in
      switch type {
      case 3: link.name = text(value)  // IFLA_IFNAME
      case 10 where value.count >= 4: link.master = value.loadUnaligned(as: Int32.self)  // IFLA_MASTER
      case 18: attributes(value, from: 0) { if $0 == 1 { link.kind = text($1) } }  // IFLA_LINKINFO, IFLA_INFO_KIND
      default: break
      }
    }
    return link
  }

  private static func attributes(
    _ bytes: UnsafeRawBufferPointer, from start: Int, _ take: (UInt16, UnsafeRawBufferPointer) -> Void
  ) {
    var offset = start
    while offset + 4 <= bytes.count {
      let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
      guard length >= 4, offset + length <= bytes.count else { return }
      // The two highest bits are flags (NLA_TYPE_MASK).
      let type = bytes.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self) & 0x3fff
      take(type, UnsafeRawBufferPointer(rebasing: bytes[offset + 4..<offset + length]))
      offset += (length + 3) & ~3
    }
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
