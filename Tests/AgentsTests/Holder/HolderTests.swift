import KubeObjects
import Testing

@testable import Agents

/// A name is not an identity: `root@localhost` is many.
struct HolderTests {
  private static let (one, two) = (String(repeating: "1a", count: 16), String(repeating: "2b", count: 16))

  @Test(
    "A Lease's holderIdentity, and back",
    arguments: [
      ("alice@laptop", "alice@laptop", nil), ("alice@laptop_\(one)", "alice@laptop", one),
      ("a_b@c_\(one)", "a_b@c", one), ("_\(one)", "_\(one)", nil),
      ("alice@laptop_", "alice@laptop_", nil), ("alice@laptop_\(one)0", "alice@laptop_\(one)0", nil),
      ("alice@laptop_\(one.uppercased())", "alice@laptop_\(one.uppercased())", nil),
      ("a_\(one)_\(two)", "a_\(one)", two), ("", "", nil),
    ] as [(String, String, String?)])
  func identity(text: String, name: String, installation: String?) {
    let holder = Holder(identity: text)
    #expect(holder == Holder(name: name, installation: installation))
    #expect(holder.identity == text)
  }

  @Test("Compares a holder with the one who looks")
  func same() {
    let own = Holder(name: "root@localhost", installation: Self.one)
    let cases: [(Holder, alone: Bool, journaled: Bool)] = [
      (own, true, true), (Holder(name: "root@localhost", installation: Self.two), false, false),
      (Holder(name: "root@localhost", installation: nil), false, true),
      (Holder(name: "bob@desk", installation: Self.one), false, false),
      (Holder(name: "bob@desk", installation: nil), false, false),
    ]
    for (holder, alone, journaled) in cases {
      #expect(holder.isSame(as: own, inJournal: false) == alone, "\(holder.identity)")
      #expect(holder.isSame(as: own, inJournal: true) == journaled, "\(holder.identity)")
    }
  }

  @Test("Messages show the name, never the id, and end")
  func shown() {
    let own = Holder(name: "root@localhost", installation: Self.one)
    #expect("\(own)" == "root@localhost")
    #expect(own.told(to: own) == "root@localhost")
    #expect(Holder(name: "bob@desk", installation: Self.two).told(to: own) == "bob@desk")
    #expect(
      Holder(name: "root@localhost", installation: Self.two).told(to: own)
        == "root@localhost (another installation of that name)")
    #expect("\(Holder(name: String(repeating: "x", count: 1 << 20), installation: nil))".count == 128)
  }

  @Test("Our own objects say whose they are, or do not")
  func object() {
    var object: JSONValue = ["metadata": ["name": "x"]]
    #expect(Holder(of: object) == nil)
    object.annotations =
      AgentManifests(workload: "user", namespace: "shop", holder: Holder(name: "alice@laptop", installation: Self.one))
      .annotations
    #expect(Holder(of: object) == Holder(name: "alice@laptop", installation: Self.one))
    object.annotations[AgentNames.holderAnnotation] = ""
    #expect(Holder(of: object) == nil)
  }

  @Test(
    "An object whose annotation does not fit its name is none of ours",
    arguments: ["", "user", "User", "../../secrets", "a b", "other", "-", "user\n", "\u{1B}[2J"])
  func workload(annotation: String) {
    var object: JSONValue = ["metadata": ["name": "devtunnel-user"]]
    object.annotations = [AgentNames.workloadAnnotation: annotation]
    #expect(AgentNames.workload(of: object) == (annotation == "user" ? "user" : nil))
  }
}
