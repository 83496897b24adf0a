import Explain
import Testing

@Suite("Bytes of this machine")
struct HostBytesTests {
  @Test("/proc/net/tcp and tcp6")
  func sockets() {
    let text = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
         1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 100 0 0 10 0
         2: nonsense
         3: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0  0  0 9 1 0
         4: 00000000000000000000000000000000:0051 00000000000000000000000000000000:0000 0A 0:0 00:0 0  0  0 9 1 0
         5: 0000000000000000FFFF00000100007F:0052 00000000000000000000000000000000:0000 0A 0:0 00:0 0  0  0 9 1 0
      """
    let sockets = ListeningSocket.parse(text)
    #expect(sockets.map(\.address) == ["127.0.0.1", "::1", "::", "127.0.0.1"])
    #expect(sockets.map(\.port) == [8080, 80, 81, 82])
    #expect(sockets[0] == ListeningSocket(address: "127.0.0.1", port: 8080, inode: 4711, uid: 1000, waiting: 2))
  }

  @Test(
    "Addresses that take a connection",
    arguments: [
      ("127.0.0.1", "127.0.0.1", true), ("0.0.0.0", "127.0.0.1", true), ("::", "127.0.0.1", true),
      ("::1", "127.0.0.1", false), ("10.0.0.1", "127.0.0.1", false), ("0.0.0.0", "::1", false),
    ])
  func takes(address: String, target: String, expected: Bool) {
    #expect(ListeningSocket(address: address, port: 1, inode: 1).mayTake(target) == expected)
  }

  @Test(
    "First bytes",
    arguments: [
      (Array("HTTP/1.1 204 No Content\r\n\r\n".utf8), HostReply.http(status: 204, wantsTLS: false)),
      (
        Array("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n".utf8),
        .http(status: 400, wantsTLS: true)
      ),
      ([0x15, 3, 1, 0, 2, 2, 70], .tls), ([0, 0, 18, 4, 0, 0, 0, 0, 0], .http2), ([], .closed),
      (Array("SSH-2.0-x\r\n".utf8), .other("SSH-2.0-x")), ([0x15], .other("")), ([0xff, 0x41], .other("")),
      (Array("HTTP/1.1".utf8), .http(status: 0, wantsTLS: false)),
    ])
  func reply(bytes: [UInt8], expected: HostReply) { #expect(HostReply(bytes) == expected) }

  @Test("The lengths of a TLS client's first message are right")
  func clientHello() {
    let hello = HostReply.clientHello
    #expect(Int(hello[3]) << 8 | Int(hello[4]) == hello.count - 5)
    #expect(Int(hello[7]) << 8 | Int(hello[8]) == hello.count - 9)
  }
}
