import CControl
import Foundation
import Testing

@testable import ControlAPI

@Suite(.timeLimit(.minutes(1)))
struct ConnectionTests {
  private func pair() throws -> (Int32, Int32) {
    var both: [Int32] = [-1, -1]
    try #require(ccontrol_pair(&both) == 0)
    return (both[0], both[1])
  }

  private func text(_ lines: LineConnection.Lines) async throws -> [String] {
    var all: [String] = []
    for try await line in lines { all.append(String(decoding: line, as: UTF8.self)) }
    return all
  }

  @Test func linesCrossBothWaysAlsoWhenTheyFillTheSocket() async throws {
    let (a, b) = try pair()
    let one = try LineConnection(a)
    let two = try LineConnection(b)
    let long = String(repeating: "x", count: 1 << 20)
    for line in ["first", long, "last"] { one.send(Array(line.utf8)) }
    one.finish()
    two.send(Array("back".utf8))
    two.finish()
    #expect(try await text(two.lines) == ["first", long, "last"])
    #expect(try await text(one.lines) == ["back"])
  }

  @Test func whatIsSentAfterThePeersEndStillArrives() async throws {
    let (a, b) = try pair()
    let one = try LineConnection(a)
    let two = try LineConnection(b)
    one.finish()
    #expect(try await text(two.lines).isEmpty)
    two.send(Array("undone".utf8))
    two.close()
    #expect(try await text(one.lines) == ["undone"])
  }

  @Test func closingWaitsUntilAllIsSentButNotForAPeerThatNeverReads() async throws {
    let (a, b) = try pair()
    let one = try LineConnection(a)
    let clock = ContinuousClock()
    one.send(Array(repeating: UInt8(ascii: "x"), count: 4 << 20))
    let before = clock.now
    await one.closeAndWait(atMost: .milliseconds(50))
    #expect(clock.now - before >= .milliseconds(50))
    let two = try LineConnection(b)
    async let closing: Void = one.closeAndWait(atMost: .seconds(60))
    let lines = try await text(two.lines)
    await closing
    #expect(lines.map(\.utf8.count) == [4 << 20])
  }

  @Test func aLineOverTheLimitEndsTheConnectionWithAnError() async throws {
    let (a, b) = try pair()
    let one = try LineConnection(a)
    let two = try LineConnection(b, limit: 10)
    one.send(Array(repeating: UInt8(ascii: "x"), count: 11))
    await #expect(throws: ControlError.self) { try await text(two.lines) }
    one.close()
    two.close()
  }

  @Test func aProgressLineIsDroppedForAPeerThatDoesNotRead() async throws {
    let (a, b) = try pair()
    let one = try LineConnection(a)
    // b does not read: the socket takes some of it, and the queue the rest, up to its limit.
    for _ in 0..<1_000 { one.send(Array(repeating: UInt8(ascii: "p"), count: 1_000), droppable: true) }
    one.send(Array("result".utf8))
    one.close()
    let two = try LineConnection(b)
    let lines = try await text(two.lines)
    #expect(lines.last == "result")
    #expect(lines.count < 1_000)
  }

  @Test func aReaderThatDoesNotKeepUpStopsThePeer() async throws {
    let (a, b) = try pair()
    let one = try LineConnection(a)
    let two = try LineConnection(b)
    for _ in 0..<4_000 { one.send(Array(repeating: UInt8(ascii: "x"), count: 1_000)) }
    one.finish()
    var former = -1
    while one.backlog != former {
      former = one.backlog
      try await Task.sleep(for: .milliseconds(50))
    }
    // The socket has some hundred KB, and the reader's side one MB.
    #expect(former > 2 << 20)
    #expect(try await text(two.lines).count == 4_000)
    two.close()
  }

  @Test func thePeerIsThisUserAndNoOther() throws {
    let (a, b) = try pair()
    defer { [a, b].forEach(ccontrol_close) }
    #expect(try PeerCredentials.uid(of: a) == geteuid())
    try PeerCredentials.require(uid: geteuid(), of: a)
    let problem = #expect(throws: ControlError.self) { try PeerCredentials.require(uid: geteuid() + 1, of: a) }
    #expect(problem?.code == .forbidden)
  }

  @Test func aSocketWithoutAPeerIsRefused() throws {
    let fd = Int32(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    defer { ccontrol_close(fd) }
    #expect(throws: ControlError.self) { try PeerCredentials.require(uid: .max, of: fd) }
  }

  @Test func aListenerOfAnotherUidTurnsThisProcessAway() async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      let (reasons, refused) = AsyncStream<String>.makeStream()
      let listener = try ControlListener(path: paths.socket, uid: geteuid() + 1) { refused.yield($0) }
      defer { listener.stop() }
      let connection = try #require(try ControlSocket.connectIfListening(paths.socket))
      let lines = try await text(connection.lines)
      #expect(lines.isEmpty)
      #expect(await reasons.first { _ in true }?.contains("uid") == true)
      connection.close()
    }
  }

  @Test func theSocketIsTheUsersAlone() async throws {
    try await withTemporaryPaths { paths in
      try paths.prepare()
      let listener = try ControlListener(path: paths.socket) { _ in }
      let mode = try FileManager.default.attributesOfItem(atPath: paths.socket)[.posixPermissions] as? Int
      #expect(mode == 0o600)
      listener.stop()
      #expect(!FileManager.default.fileExists(atPath: paths.socket))
    }
  }
}
