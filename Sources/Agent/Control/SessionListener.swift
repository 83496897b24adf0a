import CLinux

#if !hasFeature(Embedded)
  import Relay
  import TunnelProtocol
#endif

/// The control port, on the Pod's loopback, for port-forwards and the Pod's own readiness probe.
final class SessionListener: Listener {
  private unowned(unsafe) let server: AgentServer
  let boundPort: UInt16
  /// Active greetings, the oldest first; a process in the Pod that opens silent connections cannot use up descriptors.
  private var greeters: [Greeter] = []
  static let maximumGreeters = 128

  init?(server: AgentServer, port: UInt16) {
    var address = clinux_address()
    clinux_parse_address("127.0.0.1", &address)
    address.port = port
    let fd = clinux_tcp_listen(&address, 64)
    guard fd >= 0 else {
      AgentProgram.log("the control port is taken")
      return nil
    }
    clinux_local_address(fd, &address)
    boundPort = address.port
    self.server = server
    super.init(loop: server.loop, fd: fd)
  }

  override func accepted(_ connection: Int32, peer: clinux_address) {
    // New connections, such as the Pod's own readiness probe, identify themselves at once: silent ones
    // must not delay them.
    if greeters.count == Self.maximumGreeters { leastPromising.end() }
    let greeter = Greeter(server: server, listener: self, fd: connection)
    greeters.append(greeter)
    greeter.start()
  }

  /// The oldest silent one; else the oldest incomplete one; else the oldest.
  private var leastPromising: Greeter {
    for greeter in greeters where greeter.isSilent { return greeter }
    for greeter in greeters where !greeter.isQuery { return greeter }
    return greeters[0]
  }

  func forget(_ greeter: Greeter) { greeters.removeAll { $0 === greeter } }
}

/// One connection to the control port until it is identified: a session's hello, or a readiness query.
final class Greeter: ReadinessWaiter {
  private unowned(unsafe) let server: AgentServer
  private let listener: SessionListener
  private var fd: Int32
  private var bytes: [UInt8] = []
  /// True once it has asked for readiness, and waits for the answer.
  private(set) var isQuery = false
  /// True if it has not even begun a hello or a query.
  var isSilent: Bool { bytes.count < 4 && !isQuery }
  /// A hello comes at once or not at all, µs.
  private static let patience: UInt64 = 5_000_000
  private static let patienceTimer: UInt8 = 0

  init(server: AgentServer, listener: SessionListener, fd: Int32) {
    self.server = server
    self.listener = listener
    self.fd = fd
  }

  func start() {
    server.loop.watch(fd, self)
    server.loop.schedule(self, after: Self.patience, kind: Self.patienceTimer)
  }

  override func ready(_ events: UInt32) {
    while fd >= 0, bytes.count < Hello.size {
      var byte: UInt8 = 0
      // Byte by byte: the bytes behind the hello belong to the session.
      let count = clinux_receive(fd, &byte, 1)
      if count == 1 {
        bytes.append(byte)
        if bytes.count == 4, !recognise() { return }
      } else if count == -Int(clinux_EAGAIN) {
        return
      } else {
        return end()
      }
    }
    if fd >= 0, bytes.count == Hello.size { greet() }
  }

  /// Returns false once the connection is dealt with.
  private func recognise() -> Bool {
    let magic = bytes.withUnsafeBytes { $0.baseAddress!.loadBE32() }
    if magic == Hello.magic { return true }
    if magic == ReadinessQuery.magic {
      isQuery = true
      server.answerWhenReady(self)
    } else {
      end()
    }
    return false
  }

  private func greet() {
    guard let hello = bytes.withUnsafeBytes({ Hello(reading: $0.baseAddress!) }) else { return end() }
    if hello.version != Hello.version { return refuse(.wrongVersion) }
    if !Hello.tokensMatch(hello.token, server.configuration.token) { return refuse(.wrongToken) }
    if !server.admits(hello.holder) { return refuse(.crowded) }
    reply(.welcome)
    let socket = fd
    release()
    server.attach(socket, of: hello.holder)
  }

  private func refuse(_ verdict: HelloReply.Verdict) {
    AgentProgram.log("session refused", at: server.loop.now, after: &server.refusalLogged)
    reply(verdict)
    end()
  }

  private func reply(_ verdict: HelloReply.Verdict) {
    withUnsafeTemporaryAllocation(byteCount: HelloReply.size, alignment: 8) { buffer in
      HelloReply(verdict).write(to: buffer.baseAddress!)
      _ = clinux_send(fd, buffer.baseAddress!, HelloReply.size)
    }
  }

  override func answer(ready: Bool) {
    guard fd >= 0 else { return }
    var byte: UInt8 = ready ? 1 : 0
    _ = clinux_send(fd, &byte, 1)
    end()
  }

  override func timerFired(_ kind: UInt8) {
    if kind == Self.readinessTimer { answer(ready: server.isReady) } else { end() }
  }

  func end() {
    guard fd >= 0 else { return }
    let socket = fd
    release()
    clinux_close(socket)
  }

  /// Gives up the descriptor without closing it.
  private func release() {
    listener.forget(self)
    server.forget(self)
    server.loop.unwatch(fd)
    server.loop.unregister(self)
    fd = -1
  }
}
