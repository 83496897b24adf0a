import Bastion
import Foundation
import Glibc
import Testing

@Suite(.enabled(if: SSHServer.isInstalled, Comment(rawValue: SSHServer.missing)), .timeLimit(.minutes(2)), .serialized)
struct ThroughputTests {
  private static let blocks = 50
  private static let blockSize = 1 << 20

  /// Bytes that show their position: each block is another one's shift.
  private static let pattern = (0..<blockSize + blocks).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 13) }

  private static func sendPattern(_ socket: Int32) -> Bool {
    (0..<blocks).allSatisfy { sendAll(socket, Array(pattern[$0..<$0 + blockSize])) }
  }

  /// - Returns: the number of blocks that came as they were sent.
  private static func receivePattern(_ socket: Int32) -> Int {
    var chunk = [UInt8](repeating: 0, count: blockSize)
    for index in 0..<blocks {
      guard recv(socket, &chunk, blockSize, Int32(MSG_WAITALL)) == blockSize,
        pattern.withUnsafeBytes({ memcmp($0.baseAddress! + index, chunk, blockSize) }) == 0
      else { return index }
    }
    return blocks
  }

  @Test func fiftyMegabytesBothWaysAtOnce() async throws {
    let server = try SSHServer()
    let echo = LoopbackServer.echo()
    defer {
      server.stop()
      echo.stop()
    }
    let bastion = BastionConnection(try server.settings())
    try await bastion.connect()
    let socket = try bastion.begin(host: "127.0.0.1", port: echo.port) { _ in }
    makeBlocking(socket)
    let start = ContinuousClock.now
    async let sent = blocking { Self.sendPattern(socket) }
    #expect(await blocking { Self.receivePattern(socket) } == Self.blocks)
    #expect(await sent)
    print("50 MiB there and back: \(ContinuousClock.now - start)")
    close(socket)
    bastion.close()
  }

  /// One way, without work of the test's own at either end.
  @Test func bulk() async throws {
    let server = try SSHServer()
    let source = LoopbackServer { socket in
      let block = [UInt8](repeating: 1, count: 1 << 20)
      for _ in 0..<200 { guard sendAll(socket, block) else { return } }
    }
    let sink = LoopbackServer { socket in
      var chunk = [UInt8](repeating: 0, count: 1 << 18)
      var total = 0
      while case let count = recv(socket, &chunk, chunk.count, 0), count > 0 { total += count }
      sendAll(socket, Array("\(total)".utf8))
    }
    defer {
      server.stop()
      source.stop()
      sink.stop()
    }
    let bastion = BastionConnection(try server.settings())
    try await bastion.connect()
    let down = try bastion.begin(host: "127.0.0.1", port: source.port) { _ in }
    let start = ContinuousClock.now
    let count = await blocking { () -> Int in
      makeBlocking(down)
      var chunk = [UInt8](repeating: 0, count: 1 << 18)
      var total = 0
      while case let count = recv(down, &chunk, chunk.count, 0), count > 0 { total += count }
      return total
    }
    #expect(count == 200 << 20)
    print("down: \(200 / ((ContinuousClock.now - start) / .seconds(1))) MiB/s")
    let up = try bastion.begin(host: "127.0.0.1", port: sink.port) { _ in }
    let startUp = ContinuousClock.now
    let answer = await blocking { () -> String in
      makeBlocking(up)
      let block = [UInt8](repeating: 1, count: 1 << 20)
      for _ in 0..<200 { sendAll(up, block) }
      shutdown(up, Int32(SHUT_WR))
      return String(decoding: receiveAll(up), as: UTF8.self)
    }
    #expect(answer == "\(200 << 20)")
    print("up: \(200 / ((ContinuousClock.now - startUp) / .seconds(1))) MiB/s")
    close(down)
    close(up)
    bastion.close()
  }
}
