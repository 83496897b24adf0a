import Foundation
import Glibc
import Testing

@testable import Bastion

@Suite(.enabled(if: SSHServer.isInstalled, Comment(rawValue: SSHServer.missing)), .timeLimit(.minutes(2)))
struct ConnectionTests {
  /// A bastion with everything at its best, an echo behind it.
  private func withServer(options: String = "", _ body: (SSHServer, LoopbackServer) async throws -> Void) async throws {
    let server = try SSHServer(options: options)
    let echo = LoopbackServer.echo()
    defer {
      server.stop()
      echo.stop()
    }
    try await body(server, echo)
  }

  private func open(_ bastion: BastionConnection, _ port: UInt16, host: String = "127.0.0.1") async throws -> Int32 {
    let result: Result<Int32, BastionError> = await blocking {
      do throws(BastionError) { return .success(try bastion.open(host: host, port: port)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  @Test func aKeyFileLogsInAndAChannelCarriesBytes() async throws {
    try await withServer { server, echo in
      let bastion = BastionConnection(try server.settings())
      try await bastion.connect()
      #expect(await (try open(bastion, echo.port)).exchange("hello") == "hello")
      bastion.close()
      let error = await #expect(throws: BastionError.self) { try await bastion.connect() }
      #expect(error == .closed(host: "[127.0.0.1]:\(server.port)"))
    }
  }

  @Test func aHundredChannelsAtOnce() async throws {
    try await withServer { server, echo in
      let bastion = BastionConnection(try server.settings())
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<100 {
          group.addTask {
            let text = String(repeating: "channel \(index) ", count: 1000)
            let socket = try bastion.begin(host: "127.0.0.1", port: echo.port) { _ in }
            return await socket.exchange(text) == text
          }
        }
        var count = 0
        for try await isRight in group where isRight { count += 1 }
        #expect(count == 100)
      }
      #expect(server.children.count == 1)
      bastion.close()
    }
  }

  @Test func eachDirectionEndsByItself() async throws {
    let server = try SSHServer()
    // Says what it has when the client has ended, and not before.
    let counter = LoopbackServer { socket in
      let count = receiveAll(socket).count
      sendAll(socket, Array("\(count)".utf8))
    }
    // Ends its side first, and reads on.
    let late = LoopbackServer { socket in
      sendAll(socket, Array("done".utf8))
      shutdown(socket, Int32(SHUT_WR))
      _ = receiveAll(socket)
    }
    defer {
      server.stop()
      counter.stop()
      late.stop()
    }
    let bastion = BastionConnection(try server.settings())
    #expect(await (try open(bastion, counter.port)).exchange("12345") == "5")
    let socket = try await open(bastion, late.port)
    let isRight = await blocking {
      makeBlocking(socket)
      defer { close(socket) }
      return receiveAll(socket) == Array("done".utf8) && sendAll(socket, [1, 2, 3])
    }
    #expect(isRight)
    bastion.close()
  }

  @Test func aReaderThatWaitsStopsItsOwnChannelOnly() async throws {
    let server = try SSHServer()
    let echo = LoopbackServer.echo()
    let flood = LoopbackServer { socket in
      let block = [UInt8](repeating: 7, count: 1 << 20)
      for _ in 0..<64 { guard sendAll(socket, block) else { return } }
    }
    defer {
      server.stop()
      echo.stop()
      flood.stop()
    }
    let bastion = BastionConnection(try server.settings())
    let stalled = try await open(bastion, flood.port)
    for _ in 0..<20 { #expect(await (try open(bastion, echo.port)).exchange("meanwhile") == "meanwhile") }
    let count = await blocking {
      makeBlocking(stalled)
      defer { close(stalled) }
      return receiveAll(stalled).count
    }
    #expect(count == 64 << 20)
    bastion.close()
  }

  @Test func nothingTurnsWhileNothingMoves() async throws {
    let server = try SSHServer()
    let silent = LoopbackServer { socket in
      // Ends its side, and waits for the other.
      shutdown(socket, Int32(SHUT_WR))
      _ = receiveAll(socket)
    }
    let deaf = LoopbackServer { socket in
      var entry = pollfd(fd: socket, events: 0, revents: 0)
      poll(&entry, 1, 5000)
    }
    defer {
      server.stop()
      silent.stop()
      deaf.stop()
    }
    let bastion = BastionConnection(try server.settings())
    // An end that has come, one that has gone, one with more to send than is taken, and one without a holder.
    let ended = try await open(bastion, silent.port)
    let ending = try await open(bastion, deaf.port)
    shutdown(ending, Int32(SHUT_WR))
    let full = try await open(bastion, deaf.port)
    let gone = try await open(bastion, deaf.port)
    close(gone)
    let block = [UInt8](repeating: 1, count: 1 << 16)
    var entry = pollfd(fd: full, events: Int16(POLLOUT), revents: 0)
    while poll(&entry, 1, 500) > 0 { _ = send(full, block, block.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) }
    let before = bastion.loop.turns.load(ordering: .relaxed)
    // Time itself is under test.
    try await Task.sleep(for: .seconds(1))
    #expect(bastion.loop.turns.load(ordering: .relaxed) - before < 10)
    for socket in [ended, ending, full] { close(socket) }
    bastion.close()
  }

  // MARK: Refusals

  @Test(arguments: [("AllowTcpForwarding no", "prohibited"), ("PermitOpen 127.0.0.1:1", "prohibited")])
  func aForbiddenForwardingSaysSo(option: String, reason: String) async throws {
    try await withServer(options: option) { server, echo in
      let bastion = BastionConnection(try server.settings())
      let error = await #expect(throws: BastionError.self) { try await open(bastion, echo.port) }
      guard case .channelRefused(_, "127.0.0.1:\(echo.port)", let text) = error else {
        Issue.record("\(error as Any)")
        return
      }
      #expect(text.contains(reason) && error?.isTransient == false)
      #expect(error?.description.contains("AllowTcpForwarding") == true)
      bastion.close()
    }
  }

  @Test func aTargetThatRefusesSaysSo() async throws {
    try await withServer { server, echo in
      let bastion = BastionConnection(try server.settings())
      let error = await #expect(throws: BastionError.self) { try await open(bastion, 1) }
      #expect(
        error == .channelRefused(host: "[127.0.0.1]:\(server.port)", target: "127.0.0.1:1", reason: "connect failed"))
      // The session goes on.
      #expect(await (try open(bastion, echo.port)).exchange("hello") == "hello")
      bastion.close()
    }
  }

  @Test func whatIsNoSSHServerIsUnreachable() async throws {
    let silent = LoopbackServer { socket in _ = receiveAll(socket) }
    let web = LoopbackServer { socket in sendAll(socket, Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)) }
    defer {
      silent.stop()
      web.stop()
    }
    for port in [silent.port, web.port] {
      let settings = BastionSettings(host: "127.0.0.1", port: port, user: "nobody", connectTimeout: .milliseconds(500))
      let error = await #expect(throws: BastionError.self) { try await BastionConnection(settings).connect() }
      guard case .unreachable = error else {
        Issue.record("\(error as Any)")
        return
      }
    }
  }

  // MARK: Losing the connection

  @Test func aDroppedConnectionEndsItsChannelsAndComesBackWithTheNextUse() async throws {
    try await withServer { server, echo in
      let bastion = BastionConnection(try server.settings())
      let (events, continuation) = AsyncStream<ChannelEvent>.makeStream()
      let socket = try bastion.begin(host: "127.0.0.1", port: echo.port) { continuation.yield($0) }
      var iterator = events.makeAsyncIterator()
      #expect(await iterator.next() == .opened)
      server.signalChildren(SIGKILL)
      guard case .lost(.connectionLost) = await iterator.next() else {
        Issue.record("nothing was said about the loss")
        return
      }
      #expect(
        await blocking { () -> Bool in
          makeBlocking(socket)
          defer { close(socket) }
          return receiveAll(socket).isEmpty
        })
      #expect(await (try open(bastion, echo.port)).exchange("again") == "again")
      bastion.close()
    }
  }

  @Test func aServerThatIsSilentIsGivenUp() async throws {
    try await withServer { server, echo in
      var settings = try server.settings()
      settings.keepAlive = .seconds(2)
      let bastion = BastionConnection(settings)
      let (events, continuation) = AsyncStream<ChannelEvent>.makeStream()
      let socket = try bastion.begin(host: "127.0.0.1", port: echo.port) { continuation.yield($0) }
      var iterator = events.makeAsyncIterator()
      #expect(await iterator.next() == .opened)
      let children = server.children
      for child in children { kill(child, SIGSTOP) }
      let start = ContinuousClock.now
      guard case .lost(.connectionLost(_, let cause)) = await iterator.next() else {
        Issue.record("nothing was said about the loss")
        return
      }
      #expect(cause == "the server does not answer")
      #expect((.seconds(5) ..< .seconds(20)).contains(ContinuousClock.now - start))
      for child in children { kill(child, SIGKILL) }
      close(socket)
      bastion.close()
    }
  }

  @Test func keepAlivesAreAnsweredWithAndWithoutChannels() async throws {
    // The server, too, asks for signs of life, and cuts who gives none.
    try await withServer(options: "ClientAliveInterval 1\nClientAliveCountMax 2") { server, echo in
      var settings = try server.settings()
      settings.keepAlive = .seconds(2)
      let bastion = BastionConnection(settings)
      #expect(await (try open(bastion, echo.port)).exchange("before") == "before")
      let children = server.children
      #expect(children.count == 1)
      // Time itself is under test: longer than both sides' patience.
      try await Task.sleep(for: .seconds(9))
      #expect(server.children == children)
      #expect(await (try open(bastion, echo.port)).exchange("after") == "after")
      #expect(server.children == children)
      bastion.close()
    }
  }

  @Test func theServersReturnIsNoticed() async throws {
    let server = try SSHServer()
    let echo = LoopbackServer.echo()
    defer { echo.stop() }
    let bastion = BastionConnection(try server.settings())
    try await bastion.connect()
    server.stop(keepingDirectory: true)
    let error = await #expect(throws: BastionError.self) { try await open(bastion, echo.port) }
    #expect(error?.isTransient == true)
    let second = try SSHServer(directory: server.directory, port: server.port)
    defer { second.stop() }
    // Not before the pause after the failure is over, unless a person asks.
    try await bastion.connect()
    #expect(await (try open(bastion, echo.port)).exchange("back") == "back")
    bastion.close()
  }
}
