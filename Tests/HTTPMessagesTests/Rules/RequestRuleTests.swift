import Testing

@testable import HTTPMessages

@Suite struct RequestRuleTests {
  private static func head(_ start: String, _ fields: [(String, String)] = []) -> RequestHead {
    var head = RequestHead()
    let words = start.split(separator: " ").map(String.init)
    words[0].utf8.withBytes { head.setMethod($0) }
    words[1].utf8.withBytes { head.setTarget($0) }
    for (name, value) in fields {
      name.utf8.withBytes { name in value.utf8.withBytes { head.addField(name, $0) } }
    }
    return head
  }

  private static let request = head(
    "GET /api/users/7?user=a%20b&q=1+2&empty&%3D=x#end",
    [
      ("Host", "user.shop"), ("X-DevTunnel", "alice"), ("X-Twice", "one"), ("x-twice", "two"), ("X-Empty", ""),
      ("Cookie", "session=abc; theme=dark"), ("Cookie", "lang=de"),
      ("baggage", "trace=1, devtunnel = al%69ce ; ttl=60"), ("Baggage", "shop=7"),
    ])

  @Test(arguments: [
    ("header x-devtunnel=alice", true),
    ("header X-DEVTUNNEL=alice", true),
    ("header x-devtunnel=Alice", false),
    ("header x-devtunnel=al", false),
    ("header x-devtunnel=al*", true),
    ("header x-devtunnel=*ice", true),
    ("header x-devtunnel=a*c*", true),
    ("header x-devtunnel=a*x*", false),
    ("header x-devtunnel=alice*e", false),
    ("header x-devtunnel", true),
    ("header x-absent", false),
    ("header x-twice=two", true),
    ("header x-empty=", true),
    ("header x-empty", true),
    ("header x-devtunnel=", false),
    ("header host=user.*", true),
    ("cookie theme=dark", true),
    ("cookie lang=de", true),
    ("cookie session=ab", false),
    ("cookie Session=abc", false),
    ("baggage devtunnel=alice", true),
    ("baggage trace=1", true),
    ("baggage shop=7", true),
    ("baggage ttl=60", false),
    ("query user=a b", true),
    ("query user=a%20b", false),
    ("query q=1 2", true),
    ("query empty", true),
    ("query empty=", true),
    ("query \\==x", true),
    ("query end", false),
    ("path /api/*", true),
    ("path /api/users/7", true),
    ("path /api", false),
    ("path */users/*", true),
    ("method GET", true),
    ("method get", false),
    ("method *", true),
    ("method GET\npath /api/*\nheader x-devtunnel=alice", true),
    ("method POST\npath /api/*", false),
  ])
  func matches(_ rule: String, _ expected: Bool) throws {
    let rule = try #require(RequestRule(text: Array(rule.utf8)))
    #expect(rule.matches(Self.request) == expected)
  }

  @Test(arguments: [
    ("OPTIONS *", "path *", true),
    ("GET http://user.shop/api?x=1", "path /api", true),
    ("GET http://user.shop/api?x=1", "query x=1", true),
    ("GET http://user.shop", "path /", false),
    ("CONNECT user.shop:443", "path /", false),
    ("GET /a://b/c", "path /a://b/c", true),
    ("GET /shop.Users/Get", "path /shop.Users/*", true),
  ])
  func readsEveryFormOfATarget(_ start: String, _ rule: String, _ expected: Bool) throws {
    let rule = try #require(RequestRule(text: Array(rule.utf8)))
    #expect(rule.matches(Self.head(start)) == expected)
  }

  @Test(arguments: [
    ("path /b*\nheader B=1\nheader a=2", "header a=2\nheader b=1\npath /b*"),
    ("path /a\npath /a", "path /a"),
    ("header x=a**b", "header x=a*b"),
    ("header x=a\\*b", "header x=a\\*b"),
    ("query a\\=b=c=d", "query a\\=b=c=d"),
    ("query a\\nb=c\\nd", "query a\\nb=c\\nd"),
    ("cookie x=\\\\n", "cookie x=\\\\n"),
    ("query \\=", "query \\="),
  ])
  func hasOneText(_ text: String, _ expected: String) throws {
    let rule = try #require(RequestRule(text: Array(text.utf8)))
    #expect(String(decoding: rule.text, as: UTF8.self) == expected)
    #expect(RequestRule(text: rule.text) == rule)
  }

  @Test(arguments: [
    "", "header", "header ", "header =x", "path", "path ", "colour red", "header x=\\a", "header \\a=x",
    "header x=\\", "method GET\n", "\nmethod GET", "method GET\n\nmethod PUT",
  ])
  func refusesOtherText(_ text: String) {
    #expect(RequestRule(text: Array(text.utf8)) == nil)
  }

  @Test func aSetHasOneText() throws {
    let text = "path /b\n\nheader a=1\npath /a\n\npath /b"
    let set = try #require(RuleSet(text: Array(text.utf8)))
    #expect(String(decoding: set.text, as: UTF8.self) == "header a=1\npath /a\n\npath /b")
    #expect(RuleSet(text: set.text) == set)
    for text in ["", "\n\n", "path /a\n\n", "\n\npath /a", "path /a\n\n\n\npath /b"] {
      #expect(RuleSet(text: Array(text.utf8)) == nil, "\(text.debugDescription)")
    }
    let many = (0...RuleSet.mostRules).map { "path /\($0)" }.joined(separator: "\n\n")
    #expect(RuleSet(text: Array(many.utf8)) == nil)
  }

  /// Each is stricter than the next one.
  @Test func strictness() throws {
    let rules = [
      "header x=1\nmethod GET\npath /*", "header x=1\npath /api", "header x=1\npath /api*", "path /api/users",
      "path /api", "path /ap*", "path /a*", "header x",
    ]
    let order = try rules.map { try #require(RequestRule(text: Array($0.utf8))).strictness }
    for index in order.indices.dropLast() { #expect(order[index] > order[index + 1], "\(rules[index])") }
    let set = try #require(RuleSet(text: Array("path /api/*\n\nheader x-devtunnel=alice\nmethod GET".utf8)))
    #expect(set.match(Self.request) == set.rules[0].strictness)
    #expect(set.match(Self.head("GET /other")) == nil)
  }

  @Test func aHeadIsUsedAgain() throws {
    var head = Self.request
    head.removeAll()
    #expect(head.size == 0)
    "PUT".utf8.withBytes { head.setMethod($0) }
    "/x".utf8.withBytes { head.setTarget($0) }
    #expect(try #require(RequestRule(text: Array("method PUT\npath /x".utf8))).matches(head))
    #expect(!(try #require(RequestRule(text: Array("header x-devtunnel".utf8))).matches(head)))
  }

  /// Stars must not make a text cost more than a few looks at each of its bytes.
  @Test func manyStarsEndSoon() throws {
    let pattern = try #require(TextPattern(Array(String(repeating: "a*", count: 200).utf8) + [0x62]))
    let text = [UInt8](repeating: 0x61, count: 65536)
    #expect(!text.withUnsafeBytes(pattern.matches))
    #expect(TextPattern(Array(("*" + String(repeating: "a", count: 257) + "*").utf8)) == nil)
    #expect(TextPattern(Array((String(repeating: "a", count: 9000) + "*").utf8)) != nil)
  }

  /// A few bytes of HTTP/2 can make a head of any size, and each member of it costs a look.
  @Test func aHugeHeadMeetsNoRule() throws {
    let set = try #require(RuleSet(text: Array("baggage devtunnel=alice".utf8)))
    let mark = ("baggage", "devtunnel=alice")
    #expect(set.match(Self.head("GET /", Array(repeating: ("x", "y"), count: 255) + [mark])) != nil)
    #expect(set.match(Self.head("GET /", Array(repeating: ("x", "y"), count: 256) + [mark])) == nil)
    let long = ("baggage", String(repeating: "a,", count: 16_000) + "devtunnel=alice")
    #expect(set.match(Self.head("GET /", [long])) != nil)
    #expect(set.match(Self.head("GET /", [long, ("x", String(repeating: "y", count: 1000))])) == nil)
  }
}

extension String.UTF8View {
  func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) { Array(self).withUnsafeBytes(body) }
}
