import Testing

@testable import ShellHelper

struct PlanParserTests {
  static let least = """
    socket /run/user/1000/devtunnel/shell
    id 00112233445566778899aabbccddeeff
    address 198.18.0.2
    dns 10.96.0.10
    resolv-conf /tmp/r

    """

  @Test("The least that a plan needs")
  func minimal() throws {
    let plan = try PlanParser.parse(Self.least, file: "plan")
    #expect(plan.socket == "/run/user/1000/devtunnel/shell")
    #expect(plan.address.description == "198.18.0.2")
    #expect(plan.dns.map(\.description) == ["10.96.0.10"])
    #expect(
      plan.binds.isEmpty && plan.hostPorts.isEmpty && plan.nsswitch == nil && plan.hosts == nil && plan.hostname == nil)
  }

  @Test("Every keyword, empty lines and comments")
  func whole() throws {
    let plan = try PlanParser.parse(
      Self.least + """
        # more
        dns 10.96.0.11
        dns 10.96.0.11

        nsswitch /tmp/n n
        hosts /tmp/h
        bind /tmp/a%20b /data/%C3%A9
        bind-over /tmp/c /etc/d
        host-port 5432
        host-port 6379
        hostname user-0
        """, file: "plan")
    #expect(plan.dns.count == 2)
    #expect(plan.nsswitch == "/tmp/n n")
    #expect(plan.hosts == "/tmp/h")
    #expect(
      plan.binds == [
        .init(source: "/tmp/a b", target: "/data/é", over: false),
        .init(source: "/tmp/c", target: "/etc/d", over: true),
      ])
    #expect(plan.hostPorts == [5432, 6379])
    #expect(plan.hostname == "user-0")
  }

  @Test(
    "An error names file, line, keyword and what is wrong",
    arguments: [
      ("colour red", "the keyword is none of a plan"), ("hosts", "the keyword has no value"),
      ("socket /again", "socket appears twice"),
      ("dns ::1", "dns is no IPv4 address that can be used"), ("dns 127.0.0.1", "dns is no IPv4 address"),
      ("dns 010.1.2.3333", "dns is no IPv4 address"),
      ("dns 0.0.0.0", "dns is no IPv4 address"), ("nsswitch relative", "nsswitch is no absolute path"),
      ("bind /only", "bind needs two absolute paths"),
      ("bind /a /b /c", "bind needs two"), ("bind /a /../etc", "bind needs two"), ("bind /a /b/./c", "bind needs two"),
      // A combining mark behind the slash: one Character, which is no slash.
      ("bind /a /b/../%CC%81x", "bind needs two"), ("bind /b/../%CC%81x /a", "bind needs two"),
      ("bind /a /b/../%CC%81/../../etc", "bind needs two"), ("bind /a /%CC%81b/../../etc", "bind needs two"),
      ("bind /../a /b", "bind needs two"),
      ("bind /a /b/..%CC%81/..", "bind needs two"),
      ("bind /a /\(String(repeating: "n", count: 256))", "bind needs two"),
      ("bind /a%2 /b", "bind needs two"), ("bind /a%00 /b", "bind needs two"),
      ("bind /a /b\0c", "the line has a NUL"), ("hosts /h\0x", "the line has a NUL"),
      ("bind /a /", "bind needs two"),
      ("host-port 0", "host-port is no port"), ("host-port 70000", "host-port is no port"),
      ("hostname \(String(repeating: "h", count: 65))", "hostname has 1 to 64 bytes"),
    ])
  func wrong(line: String, what: String) {
    let error = #expect(throws: ShellError.self) { try PlanParser.parse(Self.least + line, file: "/tmp/plan") }
    #expect("\(error as Any)".contains("/tmp/plan:6"))
    #expect("\(error as Any)".contains(what), "\(error as Any)")
  }

  @Test(
    "No error says what a line holds: the file may be anybody's",
    arguments: ["s3cret", "s3cret value", "dns s3cret", "socket s3cret", "bind s3cret s3cret", "id s3cret"])
  func secret(line: String) {
    for parse in [{ try _ = PlanParser.parse($0, file: "f") }, { try _ = HostPlan.parse($0, file: "f") }]
      as [(String) throws -> Void]
    {
      let error = #expect(throws: ShellError.self) { try parse(line) }
      #expect(error.map { "\($0)" }?.contains("s3cret") == false)
    }
  }

  @Test("An id is 32 lower-case hex digits")
  func id() {
    for id in [
      "00112233445566778899aabbccddeef", "00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeefg",
    ] {
      let text = Self.least.replacing("00112233445566778899aabbccddeeff", with: id)
      #expect(throws: ShellError.self) { try PlanParser.parse(text, file: "plan") }
    }
  }

  @Test("A keyword that must be there is missed by name", arguments: ["socket", "id", "address", "dns", "resolv-conf"])
  func missing(keyword: String) {
    let text = Self.least.split(separator: "\n").filter { !$0.hasPrefix(keyword + " ") }.joined(separator: "\n")
    let error = #expect(throws: ShellError.self) { try PlanParser.parse(text, file: "plan") }
    #expect(error.map { "\($0)" } == "plan: the keyword \(keyword) is missing")
  }

  @Test("More DNS addresses than a hello can carry")
  func tooMany() {
    let text = Self.least + (1...16).map { "dns 10.96.1.\($0)\n" }.joined()
    #expect(throws: ShellError.self) { try PlanParser.parse(text, file: "plan") }
  }
}
