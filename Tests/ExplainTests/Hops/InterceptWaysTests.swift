import ControlAPI
import Explain
import KubeObjects
import Testing

@Suite("Ways of an intercept")
struct InterceptWaysTests {
  @Test("An intercept, all of it well")
  func well() {
    let facts = Facts.intercepted
    #expect(!facts.hops.contains { $0.outcome != .ok }, "\(facts.hops)")
    #expect(facts.comesHere)
    #expect(facts.host == WayReport.Host(address: "127.0.0.1", port: 8080))
  }

  private static let mark = ["header x-devtunnel=alice"]
  private static let head = WayHead(method: "GET", target: "/x")

  static let ways = [
    Way("it has failed open", "intercept", "has failed open", of: Facts.intercepted) {
      $0.own = Facts.intercept(.failedOpen)
      $0.own?.message = "the tunnel is away"
    },
    Way("somebody took the selector back", "endpoints", "argocd wrote it last", of: Facts.intercepted) {
      $0.service = Facts.service()
      $0.service?["metadata"]?["managedFields"] = [
        ["manager": "argocd", "time": "2026-12-01T10:00:00Z", "fieldsV1": ["f:spec": ["f:selector": [:]]]]
      ]
      $0.slices = [Facts.slice(["web-a", "web-b"])]
    },
    Way("the daemon gave the Service back, since the agent is gone", "agent", "has no Pod", of: Facts.intercepted) {
      $0.service = Facts.service()
      $0.service?["metadata"]?["managedFields"] = [
        ["manager": "devtunnel", "fieldsV1": ["f:spec": ["f:selector": [:]]]]
      ]
      $0.own = Facts.intercept(.failedOpen)
      $0.pods = Facts.well.pods
      $0.slices = [Facts.slice(["web-a", "web-b"])]
    },
    Way(
      "the agent's Pod is gone", "endpoints", "is diverted to an agent, and its endpoints list none",
      of: Facts.intercepted
    ) {
      $0.pods = Facts.well.pods
      $0.slices = [Facts.slice(["web-a"])]
    },
    Way("the agent crashes", "agent", "CrashLoopBackOff", of: Facts.intercepted) {
      let labels = ["app": "web", "devtunnel.dev/agent": "web"]
      $0.pods = [
        Facts.pod("web-a"),
        Facts.pod("devtunnel-web-x", labels: labels, state: ["waiting": ["reason": "CrashLoopBackOff"]]),
      ]
    },
    Way("the tunnel is silent", "session", "the tunnel to the agent is silent", of: Facts.intercepted) {
      $0.session?.state = "silent"
      $0.session?.answered = nil
    },
    Way("the request meets no rule", "rule", "meets no rule", of: Facts.intercepted) {
      $0.own = Facts.intercept(rules: mark)
      $0.head = head
    },
    Way("another's stricter rule takes it", "rule", "bob@desk takes GET /x", of: Facts.intercepted) {
      $0.own = Facts.intercept(rules: mark)
      $0.head = head
      $0.takers = [
        WayTaker(name: "bob@desk", isOwn: false, rule: ["header x-devtunnel=alice", "path /x"]),
        WayTaker(name: "alice@laptop", isOwn: true, rule: mark),
      ]
    },
    Way("the mark is lost before", "rule", "may not pass the mark on", .warning, of: Facts.intercepted) {
      $0.own = Facts.intercept(rules: mark)
      $0.own?.ports[0].toOrigin = 7
    },
    Way("another person has it", "intercept", "bob@desk takes all its requests", .warning, of: Facts.intercepted) {
      $0.own = nil
      $0.holders = [WayHolder(name: "bob@desk", isOwn: false, leaseAge: 4)]
    },
    Way("a stale holder has it", "intercept", "has not renewed the Lease for 95 s", of: Facts.intercepted) {
      $0.own = nil
      $0.holders = [WayHolder(name: "bob@desk", isOwn: false, leaseAge: 95)]
    },
    Way("nobody holds the agent", "intercept", "that nobody holds any more", of: Facts.intercepted) {
      $0.own = nil
      $0.holders = []
    },
    Way("an earlier daemon had it", "intercept", "your daemon that intercepted Service web has ended") {
      $0.isFormerDaemons = true
    },
  ]

  @Test("A failure of an intercept", arguments: ways)
  func fails(way: Way) { way.check() }

  @Test("A request that is ours")
  func ours() {
    var facts = Facts.intercepted
    facts.own = Facts.intercept(rules: Self.mark)
    facts.head = Self.head
    facts.takers = [WayTaker(name: "alice@laptop", isOwn: true, rule: Self.mark)]
    #expect(!facts.hops.contains { $0.outcome != .ok }, "\(facts.hops)")
    #expect(facts.taker == nil)
    facts.takers = []
    #expect(facts.taker == "the Service's own Pods")
  }

  @Test("Pods that are down behind an agent that answers are a warning")
  func eased() {
    var facts = Facts.intercepted
    facts.pods = facts.pods?.map { pod in
      pod.labels["devtunnel.dev/agent"] == nil
        ? Facts.pod(pod.name ?? "", state: ["waiting": ["reason": "CrashLoopBackOff"]]) : pod
    }
    #expect(facts.hops.first { $0.name == "Pods" }?.outcome == .warning)
    #expect(!facts.hops.contains { $0.outcome == .failed })
  }
}
