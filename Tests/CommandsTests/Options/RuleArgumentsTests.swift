import ArgumentParser
import ControlAPI
import Testing

@testable import Commands

struct RuleArgumentsTests {
  private func parse(_ words: [String]) throws -> InterceptCommand {
    try InterceptCommand.parse(["user"] + RuleArguments.completed(words))
  }

  private func rules(_ words: [String]) throws -> Set<String>? {
    try parse(words).request(for: "user", Settings(), environment: false).rules?.texts
  }

  static let accepted: [([String], Set<String>?)] = [
    ([], nil),
    (["--header", "X-User=alice"], ["header x-user=alice"]),
    (["--header", "x-user"], ["header x-user"]),
    (["--header", "x-user="], ["header x-user="]),
    (["--header", "x-user=a=b *"], ["header x-user=a=b *"]),
    (["--path", "/api/*", "--method", "get"], ["method GET\npath /api/*"]),
    (["--any", "--path", "/api/*", "--method", "GET"], ["method GET", "path /api/*"]),
    (["--path", "/api/*", "--path", "*/users"], ["path */users\npath /api/*"]),
    (["--query", "user=4 2", "--cookie", "session=abc*"], ["cookie session=abc*\nquery user=4 2"]),
    (["--baggage", "tenant=blue"], ["baggage tenant=blue"]),
    (["--grpc", "shop.Users/Get"], ["header content-type=application/grpc*\npath /shop.Users/Get"]),
    (["--grpc", "/shop.Users"], ["header content-type=application/grpc*\npath /shop.Users/*"]),
    (["--sni", "API.shop"], ["sni api.shop"]),
    (["--any", "--sni", "*.shop", "--path", "/a"], ["sni *.shop", "path /a"]),
    (["--mirror", "--sni", "api.shop"], ["copy *\nsni api.shop"]),
    (["--mirror"], ["copy *"]),
    (["--mirror", "--path", "/api/*"], ["copy *\npath /api/*"]),
    (["--mirror", "--baggage", "tenant=blue"], ["baggage tenant=blue\ncopy *"]),
    (["--mirror", "--any", "--path", "/a", "--method", "GET"], ["copy *\npath /a", "copy *\nmethod GET"]),
    (["--personal=alice", "--mirror"], ["copy *\nheader x-devtunnel=alice", "baggage devtunnel=alice\ncopy *"]),
    (["--personal=alice"], ["header x-devtunnel=alice", "baggage devtunnel=alice"]),
    (["--personal=a*b"], ["header x-devtunnel=a\\*b", "baggage devtunnel=a\\*b"]),
    (
      ["--personal=alice", "--method", "GET"],
      ["header x-devtunnel=alice\nmethod GET", "baggage devtunnel=alice\nmethod GET"]
    ),
    (
      ["--personal=a", "--any", "--path", "/a", "--path", "/b"],
      [
        "header x-devtunnel=a\npath /a", "header x-devtunnel=a\npath /b", "baggage devtunnel=a\npath /a",
        "baggage devtunnel=a\npath /b",
      ]
    ),
  ]

  @Test("Options become rules", arguments: accepted)
  func parsed(words: [String], texts: Set<String>?) throws { #expect(try rules(words) == texts) }

  @Test("A server's name goes with no other condition, and --tls-secret with nothing")
  func refusedNames() throws {
    let refused = [
      ["--sni", "a", "--path", "/a"], ["--sni", "a", "--personal=alice"], ["--sni", "a", "--any", "--personal=alice"],
      ["--sni", "a", "--sni", "b"], ["--sni", ""], ["--sni", "a b"], ["--sni", "a/b"], ["--tls-secret", "x"],
    ]
    for words in refused { #expect(throws: (any Error).self) { try parse(words) } }
  }

  @Test("--mirror goes without what needs answers from here")
  func refusedMirrors() throws {
    for words in [["--refuse"], ["--replace"], ["--home-after", "5"]] {
      #expect(throws: (any Error).self) { try parse(["--mirror"] + words) }
    }
    let many = (0..<32).flatMap { ["--header", "x-\($0)=a"] }
    _ = try parse(many)
    #expect(throws: (any Error).self) { try parse(["--mirror"] + many) }
    #expect(try parse(["--mirror", "--take-over"]).takeOver, "an agent of another version may be in the way")
  }

  @Test(
    "Conditions that some request meets together are taken",
    arguments: [
      ["--path", "/a/*", "--path", "*/b"], ["--path", "/a*", "--path", "/a/b"], ["--path", "/*", "--path", "/*"],
      ["--header", "x=a", "--header", "x=b"], ["--header", "host=a*", "--header", "host=*b"],
      ["--grpc", "a.B/C", "--method", "POST"], ["--grpc", "a.B/C", "--method", "P*"],
    ])
  func together(words: [String]) throws { _ = try parse(words) }

  @Test("--personal alone means the user, wherever it is, and takes no other word")
  func user() throws {
    #expect(
      RuleArguments.completed(["--personal", "x", "--", "--personal"]) == ["--personal=@", "x", "--", "--personal"])
    #expect(RuleArguments.completed(["--personal=a"]) == ["--personal=a"])
    let command = try parse(["--personal", "web"])
    #expect(command.further.names == ["web"] && command.rules.personal?.isEmpty == false)
  }

  @Test("--explain has a request, and its headers")
  func explained() throws {
    let asked = try parse(["--explain", "PUT /a?b=c", "-H", "X-A:  b: c", "-H", "d: e"]).explained
    #expect(asked.explain == ExplainedRequest(method: "PUT", target: "/a?b=c"))
    #expect(asked.headers == [.init("X-A", "b: c"), .init("d", "e")])
    #expect(try parse(["--explain", "/"]).explained.explain?.method == "GET")
  }

  @Test(
    "A wrong value names its option, and says what is right",
    arguments: [
      (["--header", "x-user: alice"], "--header", "NAME=VALUE"), (["--header", "=alice"], "--header", "NAME=VALUE"),
      (["--header", "x=a "], "--header", "blank"), (["--header", "x=a\\b"], "--header", "backslash"),
      (["--header", ":path=/x"], "--header", "one word"), (["--header", "x=a\nb"], "--header", "NAME=VALUE"),
      (["--path", "api"], "--path", "begins with /"), (["--path", "/a?b=c"], "--path", "--query"),
      (["--method", "GET POST"], "--method", "one word"), (["--method", ""], "--method", "one word"),
      (["--query", "=4"], "--query", "NAME=VALUE"), (["--cookie", "a=b; c=d"], "--cookie", "each cookie by itself"),
      (["--baggage", "a b=c"], "--baggage", "one word"), (["--grpc", "Users/Get/More"], "--grpc", "package.Service"),
      (["--grpc", "/"], "--grpc", "package.Service"), (["--personal=a b"], "--personal", "one word"),
      (["--path", "/a", "--path", "/b"], "path /a and path /b", "--any"),
      (["--path", "/a", "--path", "/b/*"], "path /a and path /b/*", "--any"),
      (["--method", "GET", "--method", "PUT"], "method", "--any"), (["--any"], "--any", "--path"),
      (["--path", "/a/*", "--path", "/b/*"], "path /a/* and path /b/*", "--any"),
      (["--path", "*/a", "--path", "/x/*/b"], "path", "--any"),
      (["--header", "host=a", "--header", "Host=b"], "host: a and header host: b", "--any"),
      (["--grpc", "a.B/C", "--method", "GET"], "method GET and method POST, which gRPC uses", "--any"),
      (["-H", "a: b"], "-H", "--explain"), (["--explain", "users"], "--explain", "METHOD PATH"),
      (["--explain", "GET /a b"], "--explain", "METHOD PATH"), (["--explain", "/", "-H", "a=b"], "-H", "NAME: VALUE"),
      (["--explain", "/", "--", "true"], "--explain", "without a command"),
      (["--replace", "--path", "/a"], "--replace", "leave out --replace"),
      (["--home-after", "5", "--path", "/a"], "--home-after", "leave it out"),
      (["--any"] + (0..<65).flatMap { ["--path", "/\($0)"] }, "too many", "64 rules"),
    ])
  func refused(words: [String], option: String, advice: String) {
    do {
      _ = try parse(words)
      Issue.record("\(words) was accepted")
    } catch {
      let text = Devtunnel.message(for: error)
      #expect(text.contains(option) && text.contains(advice), "\(words): \(text)")
    }
  }
}
