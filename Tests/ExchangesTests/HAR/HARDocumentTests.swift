import KubeObjects
import Testing

@testable import Exchanges

@Suite struct HARDocumentTests {
  static let plain = Exchange(
    id: 7, way: .intercept, taker: .host, service: "user", namespace: "shop", port: 8080, version: "HTTP/1.1",
    start: 1_796_112_300.125, wait: 0.0125, duration: 0.25,
    request: .init(
      method: "POST", authority: "user.shop", target: "/items?a=1&b=%20&c",
      fields: [.init("Host", "user.shop"), .init("Content-Type", "application/json"), .init("Cookie", "a=1; b=2")],
      size: 9, body: .init(Array(#"{"ä":"\n"}"#.utf8))),
    answer: .init(
      status: 201, fields: [.init("Set-Cookie", "id=5; Path=/"), .init("Location", "/items/1")], size: 3,
      body: .init([0xFF, 0, 1])))

  static let call = Exchange(
    id: 8, way: .forward, taker: .holder("anna"), service: "", namespace: "", port: 0, version: "HTTP/2",
    start: 1_796_112_301,
    request: .init(method: "POST", authority: "", target: "/user.User/Get", size: 5, body: .init([0, 0, 0, 0, 0])),
    answer: .init(
      status: 200, fields: [.init("content-type", "application/grpc")], trailers: [.init("grpc-status", "5")], size: 9,
      body: .init([1, 2], isWhole: false)))

  static let lost = Exchange(
    id: 9, way: .shell, taker: .origin, service: "user", namespace: "shop", port: 80, version: "HTTP/1.0",
    start: 1_796_112_302, request: .init(method: "OPTIONS", authority: "user", target: "*", body: .init([])),
    failure: "the connection was reset")

  @Test(arguments: [plain, call, lost])
  func writtenAndReadItIsTheSame(exchange: Exchange) throws {
    #expect(try HARDocument.read(HARDocument.write([exchange])) == [exchange])
  }

  @Test func theDocumentHasAllThatHARWants() throws {
    let document = try JSONValue(parsing: HARDocument.write([Self.plain], version: "9.9"))
    let log = try #require(document["log"])
    #expect(log["version"] == "1.2")
    #expect(log["creator"] == ["name": "devtunnel", "version": "9.9"])
    let entry = try #require(log["entries"]?[0])
    #expect(entry["startedDateTime"] == "2026-12-01T08:05:00.125000Z")
    #expect(entry["time"] == 250)
    #expect(entry["timings"] == ["send": 0, "wait": 12.5, "receive": 237.5])
    let request = try #require(entry["request"])
    #expect(request["url"] == "http://user.shop/items?a=1&b=%20&c")
    #expect(
      request["queryString"] == [
        ["name": "a", "value": "1"], ["name": "b", "value": "%20"], ["name": "c", "value": ""],
      ])
    #expect(request["cookies"] == [["name": "a", "value": "1"], ["name": "b", "value": "2"]])
    #expect(request[path: "postData", "mimeType"] == "application/json")
    let response = try #require(entry["response"])
    #expect(response["cookies"] == [["name": "id", "value": "5"]])
    #expect(response["redirectURL"] == "/items/1")
    #expect(response["content"] == ["size": 3, "mimeType": "x-unknown", "text": "/wAB", "encoding": "base64"])
  }

  @Test func theOrderIsThatOfTheRequests() throws {
    let read = try HARDocument.read(HARDocument.write([Self.lost, Self.plain, Self.call]))
    #expect(read.map(\.id) == [7, 8, 9])
  }

  // MARK: Other tools

  /// As Chrome's DevTools write it.
  static let browser = """
    \u{FEFF}{"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [],
    "entries": [{
      "_initiator": {"type": "script"}, "cache": {}, "connection": "443", "pageref": "page_1",
      "request": {"method": "POST", "url": "https://me:secret@shop.example/api/items?q=a b#top",
        "httpVersion": "http/2.0", "headers": [
          {"name": ":authority", "value": "shop.example"}, {"name": ":method", "value": "POST"},
          {"name": "accept", "value": "*/*"}, {"name": "content-length", "value": "3"}],
        "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 3,
        "postData": {"mimeType": "text/plain", "text": "a=ü"}},
      "response": {"status": 200, "statusText": "", "httpVersion": "http/2.0",
        "headers": [{"name": "set-cookie", "value": "a=1\\nb=2"}], "cookies": [],
        "content": {"size": 2, "mimeType": "text/html", "text": "aGk=", "encoding": "base64"},
        "redirectURL": "", "headersSize": -1, "bodySize": -1, "_transferSize": 150, "_error": null},
      "serverIPAddress": "192.0.2.1", "startedDateTime": "2026-12-01T09:05:01.5+01:00", "time": 20.5,
      "timings": {"blocked": 1, "dns": -1, "ssl": -1, "connect": -1, "send": 0.1, "wait": 19, "receive": 0.5}
    }, {
      "request": {"method": "GET", "url": "http://127.0.0.1:8080"}, "startedDateTime": "2026-12-01T08:05:00Z",
      "response": {"status": 0, "headers": [], "_error": "net::ERR_FAILED"}
    }]}}
    """

  @Test func browsersFilesAreRead() throws {
    let read = try HARDocument.read(Array(Self.browser.utf8))
    try #require(read.count == 2)
    #expect(read[0].request == .init(method: "GET", authority: "127.0.0.1:8080", target: "/"))
    #expect(read[0].answer == nil)
    #expect(read[0].failure == "net::ERR_FAILED")
    let second = read[1]
    #expect(second.version == "HTTP/2")
    #expect(second.start - read[0].start == 1.5)
    #expect(second.duration == 0.0205)
    #expect(second.request.authority == "shop.example")
    #expect(second.request.target == "/api/items?q=a%20b")
    #expect(second.request.fields == [.init("accept", "*/*"), .init("content-length", "3")])
    #expect(second.request.body == .init(Array("a=ü".utf8)))
    #expect(second.answer?.fields == [.init("set-cookie", "a=1"), .init("set-cookie", "b=2")])
    #expect(second.answer?.body == .init(Array("hi".utf8)))
  }

  @Test func aFormsParametersAreItsBody() throws {
    let read = try HARDocument.read(
      Self.file(
        request: #"""
          "postData": {"mimeType": "application/x-www-form-urlencoded",
            "params": [{"name": "a", "value": "1"}, {"name": "b"}]}
          """#))
    #expect(read.first?.request.body == .init(Array("a=1&b=".utf8)))
  }

  static func file(request: String = #""x": 1"#, more: String = #""x": 1"#) -> [UInt8] {
    Array(
      """
      {"log": {"entries": [{"startedDateTime": "2026-12-01T08:05:00Z",
      "request": {"method": "GET", "url": "http://a/", \(request)}, \(more)}]}}
      """.utf8)
  }

  // MARK: Mistakes

  @Test(arguments: [
    ("", "this is no JSON: line 1, column 1: the text ends where a value should begin"),
    ("[]", "log is missing: this is JSON, but no HAR"),
    (#"{"log": {"entries": 1}}"#, "log.entries is no list: this is no HAR"),
    (#"{"log": {"entries": [1]}}"#, "log.entries[0] is no object"),
    (#"{"log": {"entries": [{}]}}"#, "log.entries[0].request is missing"),
    (
      #"{"log": {"entries": [{"request": {"method": "GET", "url": "http://a/"}}]}}"#,
      "log.entries[0].startedDateTime is missing: the order of the requests follows from it"
    ),
  ])
  func filesThatAreNone(text: String, problem: String) {
    #expect(throws: HARError.self) { try HARDocument.read(Array(text.utf8)) }
    do throws(HARError) { _ = try HARDocument.read(Array(text.utf8)) } catch { #expect("\(error)" == problem) }
  }

  @Test(arguments: [
    (#""method": "GE T""#, #""x": 1"#, ".request.method is no method of HTTP"),
    (#""url": "ftp://a/""#, #""x": 1"#, ".request.url is no URL that begins with http:// or https://"),
    (#""url": "http://a/\r\n""#, #""x": 1"#, ".request.url is no URL that begins with http:// or https://"),
    (#""headers": {}"#, #""x": 1"#, ".request.headers is no list"),
    (#""headers": [{"value": ""}]"#, #""x": 1"#, ".request.headers[0].name is no name of a header field"),
    (
      #""headers": [{"name": "a", "value": "b\r\nx: y"}]"#, #""x": 1"#,
      ".request.headers[0].value contains a line break or a zero byte"
    ),
    (#""postData": {"text": "%", "_encoding": "base64"}"#, #""x": 1"#, ".request.postData.text is no base64"),
    (#""bodySize": "3""#, #""x": 1"#, ".request.bodySize is no whole number"),
    (#""x": 1"#, #""response": {"status": 1000}"#, ".response.status is no status of HTTP"),
    (
      #""x": 1"#, #""response": {"status": 200, "content": {"text": "", "encoding": "zip"}}"#,
      ".response.content.encoding is neither base64 nor absent"
    ),
    (#""x": 1"#, #""startedDateTime": "today""#, ".startedDateTime is no time, such as 2026-12-01T08:25:00.000Z"),
    (#""x": 1"#, #""_devtunnel": {"service": "a\u001b"}"#, "._devtunnel.service is no name"),
    (#""x": 1"#, #""_devtunnel": {"target": "/ HTTP/1.1"}"#, "._devtunnel.target is no target of a request"),
  ])
  func fieldsWithoutAMeaning(request: String, more: String, problem: String) {
    do throws(HARError) {
      _ = try HARDocument.read(Self.file(request: request, more: more))
      Issue.record("it was read")
    } catch { #expect("\(error)" == "log.entries[0]\(problem)") }
  }
}
