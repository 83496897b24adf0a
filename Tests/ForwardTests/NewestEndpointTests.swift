import KubeObjects
import Testing

@testable import Forward

struct NewestEndpointTests {
  private func slice(_ endpoints: [(String, ready: Bool, terminating: Bool)]) -> JSONValue {
    [
      "addressType": "IPv4", "ports": [["name": "http", "port": 8080]],
      "endpoints": .array(
        endpoints.map {
          [
            "addresses": [.string($0.0)],
            "conditions": ["ready": .bool($0.ready), "terminating": .bool($0.terminating)],
          ]
        }),
    ]
  }

  @Test func thePodThatBecameReadyLastIsMeant() {
    var newest = NewestEndpoint()
    #expect(newest.take([slice([("10.0.0.1", true, false)])])?.address == "10.0.0.1")
    #expect(newest.take([slice([("10.0.0.2", false, false), ("10.0.0.1", true, false)])])?.address == "10.0.0.1")
    #expect(newest.take([slice([("10.0.0.2", true, false), ("10.0.0.1", true, false)])])?.address == "10.0.0.2")
    #expect(newest.take([slice([("10.0.0.2", true, false), ("10.0.0.1", false, true)])])?.ports == ["http": 8080])
  }

  @Test func aPodThatIsReadyAgainIsNew() {
    var newest = NewestEndpoint()
    _ = newest.take([slice([("10.0.0.1", true, false)])])
    _ = newest.take([slice([("10.0.0.1", true, false), ("10.0.0.2", true, false)])])
    _ = newest.take([slice([("10.0.0.1", false, false), ("10.0.0.2", true, false)])])
    #expect(newest.take([slice([("10.0.0.1", true, false), ("10.0.0.2", true, false)])])?.address == "10.0.0.1")
  }

  @Test func whoIsEndingOrNotReadyIsNotMeant() {
    var newest = NewestEndpoint()
    #expect(newest.take([slice([("10.0.0.1", true, true), ("10.0.0.2", false, false)])]) == nil)
    #expect(newest.take([]) == nil)
  }
}
