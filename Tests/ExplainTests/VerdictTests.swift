import ControlAPI
import Explain
import Testing

@Suite("Verdict")
struct VerdictTests {
  @Test("The first failed hop, else the first warning, else all is well")
  func first() {
    let hops = [
      WayHop("Service", .ok, "a"), WayHop("Pods", .warning, "b"), WayHop("endpoints", .failed, "c"),
      WayHop("host", .failed, "d"),
    ]
    func explain(_ hops: [WayHop]) -> Explanation {
      Explanation(hops, service: "web", end: "127.0.0.1:80 here", milliseconds: 1)
    }
    #expect(explain(hops).verdict == "c")
    #expect(!explain(hops).isWell)
    let warned = explain(Array(hops.prefix(2)))
    #expect(warned.verdict == "nothing fails, requests go to 127.0.0.1:80 here, but b")
    #expect(warned.isWell)
    #expect(explain(Array(hops.prefix(1))).verdict == "all is well: requests go to 127.0.0.1:80 here")
  }
}
