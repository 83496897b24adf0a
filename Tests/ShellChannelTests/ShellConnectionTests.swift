import CLinux
import CShell
import Glibc
import Testing

@testable import ShellChannel

/// Serialized, since descriptors are counted.
@Suite(.serialized)
struct ShellConnectionTests {
  static func pair() throws -> (ShellConnection, ShellConnection) {
    var both: [Int32] = [-1, -1]
    try #require(cshell_pair(&both) == 0)
    return (try ShellConnection(fd: both[0]), try ShellConnection(fd: both[1]))
  }

  /// A socket file's path, short enough.
  static func path() -> String { "/tmp/devtunnel-channel-\(getpid())-\(UInt32.random(in: 0 ... .max))" }

  static func raw(_ bytes: [UInt8], descriptors: [Int32] = [], on connection: ShellConnection) {
    #expect(cshell_send_message(connection.fd, bytes, bytes.count, descriptors, descriptors.count) == bytes.count)
  }

  static func pipe() throws -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(Glibc.pipe(&ends) == 0)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// Returns true if the writer is closed everywhere. A program that another test starts just now may hold it for a
  /// moment longer.
  static func isAtEnd(_ reader: Int32, within milliseconds: Int32 = 2000) -> Bool {
    var returned: Int16 = 0
    return cshell_poll([reader], [cshell_POLLIN], &returned, 1, milliseconds) == 1 && returned & cshell_POLLHUP != 0
  }

  @Test("A passed descriptor is the same file, and closed when nobody took it")
  func passing() throws {
    let (one, other) = try Self.pair()
    let (reader, writer) = try Self.pipe()
    defer { close(reader) }
    do {
      try one.send(.minted(request: 3, errno: 0, PassedDescriptor(writer)))
      guard case .minted(3, 0, let socket?) = try other.receive() else { throw ShellChannelError.closed }
      #expect(write(socket.fd, [1], 1) == 1)
      var byte: UInt8 = 0
      #expect(read(reader, &byte, 1) == 1)
    }
    #expect(Self.isAtEnd(reader))
  }

  @Test("A descriptor that was taken stays open")
  func taking() throws {
    let (reader, writer) = try Self.pipe()
    defer { close(reader) }
    let taken = PassedDescriptor(writer).take()
    #expect(taken == writer)
    #expect(!Self.isAtEnd(reader, within: 0))
    close(taken)
  }

  @Test("Nothing there is nil, a closed peer is an error")
  func end() throws {
    var (one, other): (ShellConnection?, ShellConnection) = try Self.pair()
    #expect(try other.receive() == nil)
    one = nil
    _ = one
    #expect(throws: ShellChannelError.closed) { try other.receive() }
    #expect(throws: ShellChannelError.closed) { try other.send(.bye) }
  }

  @Test("Descriptors of a message that is refused are closed")
  func noLeak() throws {
    for bytes: [UInt8] in [[99], [5], [2, 0], [UInt8](repeating: 7, count: ShellMessage.maximumLength + 1)] {
      let (one, other) = try Self.pair()
      let (reader, writer) = try Self.pipe()
      Self.raw(bytes, descriptors: [writer], on: one)
      close(writer)
      #expect(throws: ShellChannelError.self, "\(bytes.prefix(3))") { try other.receive() }
      #expect(Self.isAtEnd(reader), "\(bytes.prefix(3))")
      close(reader)
    }
  }

  @Test("More descriptors than a message may carry: refused, none left open")
  func tooMany() throws {
    let (one, other) = try Self.pair()
    let (reader, writer) = try Self.pipe()
    defer { close(reader) }
    Self.raw([7], descriptors: [Int32](repeating: writer, count: ShellMessage.maximumDescriptors + 1), on: one)
    close(writer)
    #expect(throws: ShellChannelError.malformed("a message that is too big")) { try other.receive() }
    #expect(Self.isAtEnd(reader))
  }

  @Test("Bytes wait in order until the peer reads, and a peer that never reads is given up")
  func waiting() throws {
    let (one, other) = try Self.pair()
    var sent: Int32 = 0
    while !one.isWaitingToWrite {
      try one.send(.exiting(code: sent))
      sent += 1
    }
    try one.send(.bye)
    var received: Int32 = 0
    loop: while true {
      switch try other.receive() {
      case .exiting(let code):
        #expect(code == received)
        received += 1
      case .bye: break loop
      case nil: try one.flush()
      default: Issue.record("unexpected")
      }
    }
    #expect(received == sent)
    #expect(!one.isWaitingToWrite)
    #expect(throws: ShellChannelError.stalled(waiting: 4096)) { while true { try one.send(.bye) } }
  }

  @Test("The socket's file is its owner's alone, and goes with it")
  func listening() throws {
    let path = Self.path()
    do {
      let socket = try ShellSocket(path: path)
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode & 0o7777 == 0o600)
      #expect(try socket.accept() == nil)
      let helper = try ShellConnection.connect(path: path)
      let daemon = try #require(try socket.accept())
      #expect(daemon.peerPID == getpid())
      #expect(daemon.peerUID == geteuid())
      try helper.send(.exiting(code: 5))
      guard case .exiting(5) = try daemon.receive() else { throw ShellChannelError.closed }
    }
    #expect(access(path, F_OK) != 0)
    #expect(throws: ShellChannelError.system(call: "connect", errno: ENOENT)) {
      try ShellConnection.connect(path: path)
    }
  }

  @Test("A daemon that ends late leaves the next one's file")
  func replaced() throws {
    let path = Self.path()
    var first: ShellSocket? = try ShellSocket(path: path)
    let second = try ShellSocket(path: path)
    first = nil
    _ = first
    _ = try ShellConnection.connect(path: path)
    #expect(try second.accept() != nil)
  }

  @Test("Another user is turned away, and its descriptors are not kept", .enabled(if: geteuid() == 0))
  func stranger() throws {
    let path = Self.path()
    // The file is opened to others, to see that the second lock holds too.
    let socket = try ShellSocket(path: path, owner: 4242)
    chmod(path, 0o666)
    let child = cshell_fork()
    if child == 0 {
      _ = setuid(65534)
      _exit(cshell_connect_unix(path) >= 0 ? 0 : 1)
    }
    var status: Int32 = 0
    #expect(cshell_wait(child, &status) == 1)
    #expect(status == 0)
    #expect(throws: ShellChannelError.stranger(uid: 65534, pid: child)) { try socket.accept() }
    #expect(try socket.accept() == nil)
  }
}
