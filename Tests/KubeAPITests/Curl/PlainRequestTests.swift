import HTTPTestSupport
import KubeAPI
import Testing

@Suite(.timeLimit(.minutes(1))) struct PlainRequestTests {
  private func exchange(
    _ change: (inout PlainRequest) -> Void = { _ in }, _ handler: @escaping HTTPTestServer.Handler
  ) async throws -> (answer: PlainAnswer, request: HTTPTestServer.Request) {
    let server = HTTPTestServer(handler)
    defer { server.stop() }
    var request = PlainRequest("GET", "/a?b=c%20d", host: "127.0.0.1", port: UInt16(server.port))
    change(&request)
    let answer = try await CurlMulti().send(request)
    return (answer, try #require(server.requests.first))
  }

  @Test func itIsSentAsItIs() async throws {
    let (answer, request) = try await exchange {
      $0.method = "PROPFIND"
      $0.target = "/a/../b?q=%7e"
      $0.authority = "web.shop"
      $0.headers = [("x-empty", ""), ("X-One", "1")]
      $0.body = Array("hi".utf8)
    } _: { _, connection in
      connection.write(
        "HTTP/1.1 302 Found\r\nLocation: /c\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n")
    }
    #expect(request.method == "PROPFIND")
    #expect(request.target == "/a/../b?q=%7e")
    #expect(request.headers == ["host": "web.shop", "x-empty": "", "x-one": "1", "content-length": "2"])
    #expect(request.body == Array("hi".utf8))
    #expect(answer.status == 302)
    #expect(answer.headers.map(\.value) == ["/c", "a=1", "b=2", "0"])
  }

  @Test func trailersComeBehindTheBody() async throws {
    let (answer, _) = try await exchange { _, connection in
      connection.write(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "2\r\nhi\r\n0\r\nx-sum: 5\r\n\r\n"
      )
    }
    #expect(answer.body == Array("hi".utf8), "nothing is unpacked")
    #expect(answer.trailers.map { "\($0.name)=\($0.value)" } == ["x-sum=5"])
    #expect(answer.headers.contains { $0.name == "x-sum" } == false)
  }

  @Test(arguments: [("POST", "0"), ("DELETE", nil), ("GET", nil)] as [(String, String?)])
  func aBodyThatIsNone(method: String, length: String?) async throws {
    let (_, request) = try await exchange {
      $0.method = method
      if method == "DELETE" { $0.body = [] }
    } _: { _, connection in
      connection.reply(200, "x")
    }
    #expect(request.method == method)
    #expect(request.headers["content-length"] == length)
    #expect(request.headers["content-type"] == nil)
  }

  @Test func headHasNoBody() async throws {
    let (answer, request) = try await exchange {
      $0.method = "HEAD"
    } _: { _, connection in
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    }
    #expect(request.method == "HEAD" && answer.status == 200 && answer.body.isEmpty)
  }

  @Test func whatIsNoAnswerIsAnError() async throws {
    await #expect(throws: KubeError.self) { _ = try await exchange { _, connection in connection.cut() } }
    await #expect(throws: KubeError.self) {
      _ = try await exchange {
        $0.headers = [("a", "b\r\nc: d")]
      } _: { _, connection in
        connection.reply(200, "x")
      }
    }
    await #expect(throws: KubeError.self) {
      _ = try await exchange {
        $0.limit = 1
      } _: { _, connection in
        connection.reply(200, "long")
      }
    }
  }
}
