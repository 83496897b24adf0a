import Testing

@testable import HTTPMessages

@Suite struct RequestWatchTests {
  private final class Driver: SplitDriver {
    var lines: [String] = []

    override func watched(_ request: WatchedRequest) {
      let text = String(decoding: request.text.all, as: UTF8.self)
      let method = text.prefix(request.methodSize)
      let target = text.dropFirst(request.methodSize)
      let grpc = request.grpcStatus == 255 ? "" : " grpc \(request.grpcStatus)"
      let bytes = "↑\(request.up) ↓\(request.down)"
      lines.append("\(method) \(target) \(request.status)\(grpc) \(bytes) \(request.holder) @\(request.start)")
    }
  }

  private func head(_ method: String, _ target: String, _ fields: [(String, String)] = []) -> RequestHead {
    var head = RequestHead()
    Array(method.utf8).withUnsafeBytes { head.setMethod($0) }
    Array(target.utf8).withUnsafeBytes { head.setTarget($0) }
    for (name, value) in fields {
      Array(name.utf8).withUnsafeBytes { name in Array(value.utf8).withUnsafeBytes { head.addField(name, $0) } }
    }
    return head
  }

  private func give(_ bytes: [UInt8], by piece: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    var start = 0
    while start < bytes.count {
      let end = min(start + piece, bytes.count)
      Array(bytes[start..<end]).withUnsafeBytes(body)
      start = end
    }
  }

  @Test(arguments: [1, 3, 1000]) func http1(piece: Int) {
    let driver = Driver()
    let watch = RequestWatch(isHTTP2: false, driver: driver)
    func answer(_ text: String) { give(Array(text.utf8), by: piece) { watch.toClient($0) } }
    watch.routed(head("POST", "/a?b", [("content-length", "12")]), stream: 0, way: 2, holder: 7, now: 10)
    answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nabc")
    watch.routed(head("HEAD", "/h"), stream: 0, way: 0, holder: 0, now: 20)
    watch.routed(head("GET", "/c"), stream: 0, way: 0, holder: 0, now: 21)
    answer("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n0\r\n\r\n")
    watch.routed(head("GET", "/fell"), stream: 0, way: 2, holder: 7, now: 30)
    watch.fellBack(2)
    answer("HTTP/1.1 204 No\r\n\r\n")
    watch.routed(head("GET", "/last"), stream: 0, way: 0, holder: 0, now: 40)
    answer("HTTP/1.0 200 OK\r\n\r\nto the end")
    watch.closed()
    #expect(
      driver.lines == [
        "POST /a?b 201 ↑12 ↓3 7 @10", "HEAD /h 200 ↑0 ↓0 0 @20", "GET /c 200 ↑0 ↓4 0 @21", "GET /fell 204 ↑0 ↓0 0 @30",
        "GET /last 200 ↑0 ↓10 0 @40",
      ])
  }

  @Test func anUpgradeIsTheLastOne() {
    let driver = Driver()
    let watch = RequestWatch(isHTTP2: false, driver: driver)
    watch.routed(head("GET", "/ws", [("upgrade", "websocket")]), stream: 0, way: 0, holder: 0, now: 1)
    give(Array("HTTP/1.1 101 Switching Protocols\r\n\r\n\u{1}\u{2}".utf8), by: 100) { watch.toClient($0) }
    watch.routed(head("GET", "/no"), stream: 0, way: 0, holder: 0, now: 2)
    watch.closed()
    #expect(driver.lines == ["GET /ws 101 ↑0 ↓0 0 @1"])
  }

  @Test func anAnswerWithoutARequestEndsIt() {
    let driver = Driver()
    let watch = RequestWatch(isHTTP2: false, driver: driver)
    give(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8), by: 100) { watch.toClient($0) }
    watch.routed(head("GET", "/no"), stream: 0, way: 0, holder: 0, now: 2)
    watch.closed()
    #expect(driver.lines.isEmpty)
  }

  @Test(arguments: [1, 10, 1000]) func http2(piece: Int) {
    let driver = Driver()
    let watch = RequestWatch(isHTTP2: true, driver: driver)
    func frame(_ kind: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
      [0, 0, UInt8(payload.count), kind, flags, 0, 0, 0, stream] + payload
    }
    let status: [UInt8] = [0x88]  // :status 200
    let grpc: [UInt8] = [0x40, 11] + Array("grpc-status".utf8) + [1, 0x35]
    give(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, []), by: piece) { watch.fromClient($0) }
    for stream in [1, 3, 5] as [UInt32] {
      watch.routed(head("POST", "/\(stream)"), stream: stream, way: 0, holder: 0, now: UInt64(stream))
    }
    give(frame(0, 0, 3, [1, 2]) + frame(3, 0, 5, [0, 0, 0, 8]) + frame(0, 1, 3, [3]), by: piece) {
      watch.fromClient($0)
    }
    give(
      frame(4, 0, 0, []) + frame(1, 4, 3, status) + frame(0, 0, 3, [7, 7, 7, 7]) + frame(1, 5, 3, grpc)
        + frame(1, 5, 1, status), by: piece
    ) { watch.toClient($0) }
    #expect(
      driver.lines == ["POST /5 0 ↑0 ↓0 0 @5", "POST /3 200 grpc 5 ↑3 ↓4 0 @3", "POST /1 200 ↑0 ↓0 0 @1"])
  }
}
