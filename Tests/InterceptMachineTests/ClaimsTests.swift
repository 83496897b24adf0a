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
}
