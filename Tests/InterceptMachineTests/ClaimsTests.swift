import InterceptMachine
import Testing

struct ClaimsTests {
  /// alice has 8080 by `web` and `all`, bob 9090 by `admin`.
  static let two: Claims = {
    var claims = Claims()
    claims.take([8080], of: "web", for: "alice", since: "then")
    claims.take([8080], of: "all", for: "alice", since: "later")
    claims.take([9090], of: "admin", for: "bob")
    return claims
  }()

  @Test("A holder takes a port once for several Services, others get higher counts")
  func take() {
    #expect(Self.two.ports[8080] == Claim(holder: "alice", services: ["all", "web"], count: 1, since: "then"))
    #expect(Self.two.ports[9090] == Claim(holder: "bob", services: ["admin"], count: 2))
    #expect(Self.two.count == 2)
    #expect(Self.two.holders == ["alice", "bob"])
  }

  @Test("A taking over of one of two ports leaves the other")
  func takeOver() {
    var claims = Claims()
    claims.take([8080, 9090], of: "all", for: "alice")
    claims.take([9090], of: "admin", for: "bob")
    #expect(claims.ports[8080] == Claim(holder: "alice", services: ["all"], count: 1))
    #expect(claims.ports[9090] == Claim(holder: "bob", services: ["admin"], count: 2))
  }

  @Test("Counts grow with each new claim, and never fall")
  func counts() {
    var claims = Self.two
    claims.take([8080], of: "web", for: "alice")
    #expect(claims.count == 2, "nothing is new")
    claims.remove(["web", "all"], of: "alice")
    claims.remove(["admin"], of: "bob")
    #expect(claims.isEmpty)
    #expect(claims.count == 2)
    claims.take([8080], of: "web", for: "alice")
    #expect(claims.ports[8080]?.count == 3)
    claims.take([8080, 9090], of: "all", for: "alice")
    #expect(claims.ports[8080]?.count == 3, "the agent knows this claim")
    #expect(claims.ports[9090]?.count == 4)
  }

  @Test("No ports, no claim")
  func nothing() {
    var claims = Claims(closer: "bob")
    claims.take([], of: "web", for: "alice")
    #expect(claims == Claims(closer: "bob"))
  }

  @Test("The last who leaves closes; a new claim stops that")
  func closer() {
    var claims = Self.two
    claims.remove(["web"], of: "alice")
    #expect(claims.ports[8080]?.services == ["all"])
    claims.remove(["all"], of: "alice")
    #expect(claims.closer == nil)
    claims.remove(["admin"], of: "alice")
    #expect(claims.ports[9090] != nil, "bob's")
    claims.remove(["admin"], of: "bob")
    #expect(claims.closer == "bob")
    claims.take([8080], of: "web", for: "alice")
    #expect(claims.closer == nil)
  }

  @Test("All of a holder's claims are removed without a closer, as restore does")
  func removeHolder() {
    var claims = Self.two
    claims.remove(holder: "alice")
    #expect(claims.ports.keys.sorted() == [9090])
    claims.remove(holder: "bob")
    #expect(claims.isEmpty)
    #expect(claims.closer == nil)
  }

  @Test("Others are those who hold any of the ports, or the Service")
  func others() {
    #expect(Self.two.others(than: "alice", on: [8080]) == [])
    #expect(Self.two.others(than: "alice", on: [8080, 9090]) == ["bob"])
    #expect(Self.two.others(than: "carol", on: [8080, 9090]) == ["alice", "bob"])
    #expect(Self.two.others(than: "bob", of: "web") == ["alice"])
    #expect(Self.two.others(than: "alice", of: "web") == [])
    #expect(Self.two.contains(service: "admin"))
    #expect(!Self.two.contains(service: "other"))
  }

  // MARK: Rules

  /// alice has all of 8080, bob rules `a` and `b` there, carol rule `c`.
  static let shared: Claims = {
    var claims = Claims()
    claims.take([8080], of: "web", for: "alice")
    claims.take([8080], of: "web", for: "bob", rules: ["a", "b"], since: "then")
    claims.take([8080], of: "all", for: "carol", rules: ["c"])
    return claims
  }()

  @Test("Holders of rules are beside one another, and beside one of all")
  func beside() {
    #expect(Self.shared.ports == [8080: Claim(holder: "alice", services: ["web"], count: 1)])
    #expect(
      Self.shared.personal == [
        8080: [
          Claim(holder: "bob", services: ["web"], count: 2, since: "then", rules: ["a", "b"]),
          Claim(holder: "carol", services: ["all"], count: 3, rules: ["c"]),
        ]
      ])
    #expect(Self.shared.holders == ["alice", "bob", "carol"])
    #expect(Self.shared.others(than: "dave") == ["alice": ["web"], "bob": ["web"], "carol": ["all"]])
    #expect(Self.shared.others(than: "alice", of: "web") == ["bob"])
    #expect(Self.shared.contains(service: "all") && !Self.shared.isEmpty)
  }

  @Test(
    "Rivals are those with the same rule, or, for all of a port, the one who has it",
    arguments: [
      ("dave", nil, ["alice"]), ("alice", nil, []), ("dave", ["a"], ["bob"]), ("bob", ["a"], []),
      ("dave", ["b", "c"], ["bob", "carol"]), ("dave", ["d"], []), ("alice", ["c"], ["carol"]),
    ] as [(String, Set<String>?, Set<String>)])
  func rivals(holder: String, rules: Set<String>?, rivals: Set<String>) {
    #expect(Self.shared.others(than: holder, on: [8080], rules: rules) == rivals)
    #expect(Self.shared.others(than: holder, on: [9090], rules: rules) == [])
  }

  @Test(
    "A take-over of a rule leaves every other one, and all of the port",
    arguments: [
      (["a"], [["b"], ["c"], ["a"]]), (["a", "b"], [["c"], ["a", "b"]]), (["c", "d"], [["a", "b"], ["c", "d"]]),
    ] as [(Set<String>, [Set<String>])])
  func takeOverRule(rules: Set<String>, left: [Set<String>]) {
    var claims = Self.shared
    claims.take([8080], of: "web", for: "dave", rules: rules)
    #expect(claims.personal[8080]?.map(\.rules) == left)
    #expect(claims.personal[8080]?.last?.count == 4)
    #expect(claims.ports[8080]?.holder == "alice")
  }

  @Test("One holder has all through one Service and rules through others, which have one count")
  func ownRules() {
    var claims = Self.shared
    claims.take([8080], of: "all", for: "bob", rules: ["d"])
    #expect(claims.claim(of: "bob", to: 8080, through: "web")?.count == 4)
    #expect(
      claims.claim(of: "bob", to: 8080, through: "all")
        == Claim(holder: "bob", services: ["all"], count: 4, rules: ["d"]))
    claims.take([8080], of: "all", for: "bob", rules: ["d"])
    #expect(claims.count == 4, "nothing is new")
    claims.take([8080], of: "alt", for: "alice", rules: ["a"])
    #expect(claims.claim(of: "alice", to: 8080, through: "web")?.rules == nil)
    #expect(claims.claim(of: "alice", to: 8080, through: "alt")?.rules == ["a"])
    #expect(claims.claim(of: "bob", to: 8080, through: "web")?.rules == ["b"])
    claims.remove(["web"], of: "alice")
    #expect(claims.ports.isEmpty && claims.claim(of: "alice", to: 8080, through: "alt") != nil)
  }

  @Test("An intercept of the Service of another kind takes the place of the former one")
  func otherKind() {
    var claims = Self.shared
    claims.take([8080], of: "web", for: "bob")
    #expect(claims.ports[8080]?.holder == "bob")
    #expect(claims.personal[8080]?.map(\.holder) == ["carol"])
    claims.take([8080], of: "web", for: "bob", rules: ["a"])
    #expect(claims.ports.isEmpty)
    claims.take([8080], of: "web", for: "bob", rules: ["x"])
    #expect(claims.claim(of: "bob", to: 8080, through: "web")?.rules == ["x"])
    #expect(claims.personal[8080]?.count == 2)
  }

  @Test("The last who leaves closes, with rules, too")
  func closerOfRules() {
    var claims = Claims()
    claims.take([8080], of: "web", for: "bob", rules: ["a"])
    claims.take([8080], of: "web", for: "carol", rules: [])
    #expect(claims.holders == ["bob"])
    claims.remove(["web"], of: "bob")
    #expect(claims.isEmpty && claims.closer == "bob" && claims.personal.isEmpty)
  }

  @Test("Mirrors are beside everybody, with equal rules too, and take nothing over")
  func mirrors() {
    var claims = Self.shared
    let rules: Set<String> = ["copy *\npath /x", "baggage a=b\ncopy *", "copy *"]
    claims.take([8080], of: "web", for: "dave", rules: rules)
    #expect(claims.others(than: "erin", on: [8080], rules: rules) == [])
    claims.take([8080], of: "web", for: "erin", rules: rules)
    #expect(claims.personal[8080]?.map(\.rules) == [["a", "b"], ["c"], rules, rules])
    #expect(claims.others(than: "erin", on: [8080], rules: rules.union(["a"])) == ["bob"])
    claims.take([8080], of: "web", for: "frank", rules: rules.union(["a"]))
    #expect(claims.personal[8080]?.map(\.rules) == [["b"], ["c"], rules, rules, rules.union(["a"])])
    claims.remove(["web"], of: "dave")
    #expect(claims.claim(of: "erin", to: 8080, through: "web")?.rules == rules)
    #expect(claims.claim(of: "dave", to: 8080, through: "web") == nil)
  }
}
