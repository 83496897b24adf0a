import CLinux
import Glibc
import Testing

@testable import ShellChannel

struct ShellMessageTests {
  static let id = "00112233445566778899aabbccddeeff"

  static func descriptor() -> PassedDescriptor { PassedDescriptor(open("/dev/null", O_RDONLY)) }

  static func address(_ text: String, port: UInt16) -> clinux_address {
    var address = clinux_address()
    clinux_parse_address(text, &address)
    address.port = port
    return address
  }

  @Test("The bytes of each message")
  func bytes() {
    let hello = ShellHello(
      mode: .redirect, id: Self.id, pid: 0x0102_0304, tcp: Self.descriptor(), udp: nil, icmp: Self.descriptor(),
      dns: [.init(udp: Self.descriptor(), tcp: Self.descriptor())])
    #expect(ShellMessage.hello(hello).bytes == [1, 1, 1] + Array(Self.id.utf8) + [1, 2, 3, 4, 1, 1])
    #expect(
      ShellMessage.hello(hello).descriptors.map(\.fd) == [
        hello.tcp.fd, hello.icmp!.fd, hello.dns[0].udp.fd, hello.dns[0].tcp.fd,
      ])
    #expect(ShellMessage.exiting(code: -2).bytes == [2, 255, 255, 255, 254])
    #expect(
      ShellMessage.mint(request: 7, .tcp(family: 6)).bytes == [3, 0, 0, 0, 7, 1, 6, 0, 0]
        + [UInt8](repeating: 0, count: 16))
    #expect(
      ShellMessage.mint(request: 1, .udp(boundTo: Self.address("10.1.2.3", port: 0x1234))).bytes
        == [3, 0, 0, 0, 1, 2, 4, 0x12, 0x34, 10, 1, 2, 3] + [UInt8](repeating: 0, count: 12))
    #expect(ShellMessage.minted(request: 9, errno: 22, nil).bytes == [4, 0, 0, 0, 9, 0, 0, 0, 22])
    #expect(ShellMessage.bye.bytes == [5])
    #expect(ShellMessage.welcome.bytes == [6])
    #expect(ShellMessage.refused("no").bytes == [7, 0x6E, 0x6F])
  }

  @Test(
    "Decodes an encoded message to the same bytes and descriptors, for every mixture of sockets",
    arguments: [0, 1, 16], [true, false])
  func hello(dns: Int, whole: Bool) throws {
    let hello = ShellHello(
      mode: .tproxy, id: Self.id, pid: 1, tcp: Self.descriptor(), udp: whole ? Self.descriptor() : nil,
      icmp: whole ? Self.descriptor() : nil,
      dns: (0..<dns).map { _ in .init(udp: Self.descriptor(), tcp: Self.descriptor()) })
    let message = ShellMessage.hello(hello)
    let again = try ShellMessage(bytes: message.bytes, descriptors: message.descriptors)
    #expect(again.bytes == message.bytes)
    #expect(again.descriptors.map(\.fd) == message.descriptors.map(\.fd))
    #expect(message.descriptors.count <= ShellMessage.maximumDescriptors)
  }

  @Test(
    "A message that breaks the rules is refused with what is wrong",
    arguments: [
      ([], 0, "empty"), ([0], 0, "unknown kind 0"), ([8], 0, "unknown kind 8"), ([2, 0, 0], 0, "too short"),
      ([2, 0, 0, 0, 0, 0], 0, "too long"),
      ([5], 1, "descriptors"),
      ([4, 0, 0, 0, 1, 0, 0, 0, 0], 0, "0 sockets"), ([4, 0, 0, 0, 1, 0, 0, 0, 5], 1, "errno 5"),
      ([1, 2], 0, "version 2"), ([1, 1, 9], 0, "mode 9"),
      ([1, 1, 0] + [UInt8](repeating: 0x78, count: 38), 1, "hexadecimal"),
      ([1, 1, 0] + [UInt8](repeating: 0x61, count: 36) + [1, 0], 1, "3 were said"),
      ([1, 1, 0] + [UInt8](repeating: 0x61, count: 36) + [0, 0], 0, "1 were said"),
      ([3, 0, 0, 0, 1, 3, 4, 0, 0] + [UInt8](repeating: 0, count: 16), 0, "kind of socket 3"),
      ([3, 0, 0, 0, 1, 1, 5, 0, 0] + [UInt8](repeating: 0, count: 16), 0, "family 5"),
    ] as [([UInt8], Int, String)])
  func malformed(bytes: [UInt8], descriptors: Int, what: String) {
    let error = #expect(throws: ShellChannelError.self) {
      try ShellMessage(bytes: bytes, descriptors: (0..<descriptors).map { _ in Self.descriptor() })
    }
    #expect("\(error as Any)".contains(what), "\(error as Any)")
  }
}
