import CLinux
import HTTPMessages
import Relay
import TestSupport
import Testing

@testable import Forward

@Suite(.serialized, .timeLimit(.minutes(1))) struct RewritingPairTests {
  private let loop = EventLoop()!

  private func scene() -> (pair: RewritingPair, client: TestClient, server: TestClient) {
    let (left, client) = connection()
    let (right, server) = connection()
    let rewrite = HeadRewrite(host: Array("user".utf8))
    let pair = RewritingPair(loop: loop, client: left, tunnel: right, rewrite: rewrite)
    return (pair, TestClient(loop: loop, fd: client), TestClient(loop: loop, fd: server))
  }

  private let upgrade = "GET /1 HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
  private let next = "GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n"
  private let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"

  @Test("A client's end waits for its bytes that wait for an answer")
  func halfCloses() {
    let (pair, client, server) = scene()
    client.send(upgrade + next)
    client.finish()
    #expect(loop.turn { server.text.contains("GET /1") })
    for _ in 0..<20 { loop.turn(maximumWait: 2) }
    #expect(!server.text.contains("/2") && !server.sawEnd)
    server.send(answer + "a")
    #expect(loop.turn { server.text.contains("GET /2") && server.sawEnd })
    server.send(answer + "b")
    #expect(loop.turn { client.text == answer + "a" + answer + "b" })
    server.close()
    #expect(loop.turn { client.sawEnd && pair.isOver } && !client.sawReset)
    client.close()
  }

  @Test("It waits no longer for a server that has ended")
  func serverEnds() {
    let (pair, client, server) = scene()
    client.send(upgrade + next)
    client.finish()
    #expect(loop.turn { server.text.contains("GET /1") })
    server.finish()
    #expect(loop.turn { client.sawEnd && server.sawEnd && pair.isOver } && !client.sawReset)
    client.close()
    server.close()
  }
}
