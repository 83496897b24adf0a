import CShell
import Glibc

/// A netlink socket of this process's network namespace, blocking. Closed with its last reference.
final class NetlinkSocket {
  enum Family: Int32 {
    case route = 0
    case netfilter = 12
  }

  let fd: Int32

  init(_ family: Family) throws(ShellError) { fd = try check(cshell_netlink(family.rawValue), "open a netlink socket") }

  deinit { close(fd) }

  /// Sends a batch and reads the kernel's answers.
  /// - Throws: the first request that the kernel refused, by its purpose.
  func commit(_ batch: NetlinkBatch) throws(ShellError) {
    let sent = send(fd, batch.bytes, batch.bytes.count, 0)
    guard sent == batch.bytes.count else { throw ShellError("send over netlink", errno: Glibc.errno) }
    var left = batch.acknowledgements
    var buffer = [UInt8](repeating: 0, count: 65536)
    while left > 0 {
      let count = recv(fd, &buffer, buffer.count, 0)
      if count < 0, Glibc.errno == EINTR { continue }
      guard count > 0 else { throw ShellError("read netlink's answer", errno: count < 0 ? Glibc.errno : EPIPE) }
      for answer in Self.answers(buffer.prefix(count)) {
        left -= 1
        guard answer.errno != 0 else { continue }
        let index = Int(answer.sequence) - 1
        throw ShellError(
          batch.purposes.indices.contains(index) ? batch.purposes[index] : "netlink request", errno: answer.errno)
      }
    }
  }

  /// Returns the acknowledgements and errors (NLMSG_ERROR, netlink(7)) among the messages.
  static func answers(_ bytes: ArraySlice<UInt8>) -> [(sequence: UInt32, errno: Int32)] {
    var answers: [(UInt32, Int32)] = []
    bytes.withUnsafeBytes { raw in
      var offset = 0
      while offset + 20 <= raw.count {
        let length = Int(raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        guard length >= 16, offset + length <= raw.count else { return }
        if raw.loadUnaligned(fromByteOffset: offset + 4, as: UInt16.self) == 2 {
          let sequence = raw.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)
          answers.append((sequence, -raw.loadUnaligned(fromByteOffset: offset + 16, as: Int32.self)))
        }
        offset += (length + 3) & ~3
      }
    }
    return answers
  }
}
