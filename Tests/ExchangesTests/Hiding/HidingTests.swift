import Testing

@testable import Exchanges

@Suite struct HidingTests {
  @Test(arguments: [
    ("Authorization", "Bearer abc.def", "Bearer ***"), ("authorization", "Basic dXNlcjpwdw==", "Basic ***"),
    ("Authorization", "abc", "***"), ("Proxy-Authorization", "Custom a b", "***"),
    ("Cookie", "sid=1; theme=dark", "sid=***; theme=***"), ("Cookie", "lonely", "***"), ("Cookie", "a=b=c", "a=***"),
    ("Set-Cookie", "sid=1; Path=/; HttpOnly", "sid=***; Path=/; HttpOnly"), ("X-Api-Key", "k", "***"),
    ("x-amz-security-token", "k", "***"), ("X-CSRF", "k", "***"), ("X-Hub-Signature-256", "sha256=ab", "***"),
    ("Content-Type", "application/json", "application/json"), ("X-Request-Id", "7", "7"), ("Author", "me", "me"),
    (
      "Location", "https://me:pw@host/a?code=1&access_token=2#id_token=3",
      "https://***@host/a?code=1&access_token=***#id_token=***"
    ),
    ("Referer", "/a;jsessionid=5?x=1", "/a;jsessionid=***?x=1"),
  ]) func fields(name: String, value: String, expected: String) {
    #expect(HiddenText.field(.init(name, value)) == .init(name, expected))
  }

  @Test(arguments: [
    ("/a?b=c", "/a?b=c"), ("/a?token=1&b=2", "/a?token=***&b=2"), ("/a?b=2&api%5Fkey=1", "/a?b=2&api%5Fkey=***"),
    ("/a?Password=", "/a?Password=***"), ("/a?token", "/a?token"), ("/token=1", "/token=1"),
    ("http://u:p@h/?sig=1", "http://***@h/?sig=***"), ("", ""), ("/a?x=http://b@c/", "/a?x=http://***@c/"),
  ]) func targets(target: String, expected: String) { #expect(HiddenText.url(target) == expected) }

  @Test(arguments: [
    (#"{"user": "me", "password": "pw", "n": 1}"#, #"{"user": "me", "password": "***", "n": 1}"#),
    (#"{"a": {"apiKey" : 17, "b": [true]}}"#, #"{"a": {"apiKey" : "***", "b": [true]}}"#),
    (#"{"tokens": ["a", {"b": "]"}], "c": 2}"#, #"{"tokens": "***", "c": 2}"#),
    (#"{"token": null}"#, #"{"token": null}"#),
    (#"{"\u0074oken": "x"}"#, #"{"\u0074oken": "***"}"#),
    (#"{"x": "token: \" y"}"#, #"{"x": "token: \" y"}"#),
    (#"{"secret": "cut off"#, #"{"secret": "***""#),
    (#"{"secret": {"cut": ["#, #"{"secret": "***""#),
    (#"[{"token": "a"}, {"token": "b"}]"#, #"[{"token": "***"}, {"token": "***"}]"#),
    ("{\"token\": \"a\"}\n{\"token\":1}\n", "{\"token\": \"***\"}\n{\"token\":\"***\"}\n"),
    (#"{"token":"#, #"{"token":"#), (#"{"token\"#, #"{"token\"#), ("{", "{"),
  ]) func json(text: String, expected: String) {
    #expect(String(decoding: HiddenBody.json(Array(text.utf8)), as: UTF8.self) == expected)
  }

  private func body(_ text: String, _ fields: [Exchange.Field]) -> String? {
    HiddenBody.hide(.init(Array(text.utf8), isWhole: false), fields).map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  @Test func bodiesByTheirType() {
    let form = [Exchange.Field("Content-Type", "application/x-www-form-urlencoded")]
    #expect(body("user=me&password=pw", form) == "user=me&password=***")
    let binary: [UInt8] = [0xff, 0, 0xc3, 13, 10] + Array("&token=".utf8) + [0xfe, 0x26, 0x80]
    let hidden = HiddenBody.hide(.init(binary), form)?.bytes
    #expect(hidden == [0xff, 0, 0xc3, 13, 10] + Array("&token=***".utf8) + [0x26, 0x80], "what is no text stays")
    #expect(body(#"{"token":"x"}"#, []) == #"{"token":"***"}"#)
    #expect(body(#"{"token":"x"}"#, [.init("content-type", "image/png")]) == #"{"token":"x"}"#)
    let marked = body("\u{feff}" + #"{"token":"x"}"#, [.init("content-type", "application/json")])
    #expect(marked == "\u{feff}" + #"{"token":"***"}"#, "behind a byte order mark")
    let zipped = Exchange.Field("content-encoding", "gzip")
    #expect(body("\u{1f}", [.init("content-type", "application/json"), zipped]) == nil)
    #expect(body("\u{1f}", [.init("content-type", "image/svg"), zipped]) == "\u{1f}")
    let parts =
      "--x\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nme\r\n"
      + "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\npw\r\n--x--\r\n"
    #expect(
      body(parts, [.init("content-type", "multipart/form-data; boundary=x")])
        == parts.replacing("\r\npw\r\n", with: "\r\n***\r\n"))
  }

  @Test func anExchangeHasNoSecretLeft() {
    let exchange = Exchange(
      id: 1, way: .intercept, taker: .host, service: "user", namespace: "shop", port: 80, version: "HTTP/1.1", start: 0,
      request: .init(
        method: "POST", authority: "user", target: "/a?token=xyzzy", fields: [.init("Cookie", "a=xyzzy")],
        body: .init(Array(#"{"secret":"xyzzy"}"#.utf8))),
      answer: .init(
        status: 200, fields: [.init("Set-Cookie", "a=xyzzy")], trailers: [.init("x-token", "xyzzy")],
        body: .init(Array(#"{"session":["xyzzy"]}"#.utf8))))
    let hidden = exchange.hidingSecrets()
    #expect("\(exchange)".contains("xyzzy") && !"\(hidden)".contains("xyzzy"))
    let text = String(decoding: (hidden.request.body?.bytes ?? []) + (hidden.answer?.body?.bytes ?? []), as: UTF8.self)
    #expect(text == #"{"secret":"***"}{"session":"***"}"#)
  }

  @Test(arguments: [
    ("user:80", "user:80"), ("ann:xyzzy@user:80", "***@user:80"), ("xyzzy@xyzzy@user", "***@user"),
  ])
  func aUserInAHostIsHidden(authority: String, hidden: String) {
    let exchange = Exchange(
      id: 1, way: .forward, taker: .host, service: "user", namespace: "shop", port: 80, version: "HTTP/1.1",
      start: 0, request: .init(method: "GET", authority: authority, target: "/"))
    #expect(exchange.hidingSecrets().request.authority == hidden)
  }
}
