import KubeObjects
import Testing

@testable import Intercept

struct AgentAbsenceTests {
  private func endpoints(_ pods: [String]) -> ServiceEndpoints {
    let listed = pods.map { pod -> JSONValue in
      ["addresses": ["10.0.0.1"], "conditions": ["ready": true], "targetRef": ["kind": "Pod", "name": JSONValue(pod)]]
    }
    return ServiceEndpoints([["endpoints": .array(listed), "ports": [["port": 8080]]]], agentPrefix: "devtunnel-user")
  }

  @Test("Too long counts from the first look without an agent, and ends with the next agent")
  func patience() {
    let start = ContinuousClock.now
    var absence = AgentAbsence()
    #expect(absence.isListed && !absence.isTooLong(at: start + .seconds(60)))
    absence.note(endpoints(["devtunnel-user-a"]), at: start)
    #expect(absence.isListed)
    absence.note(endpoints([]), at: start)
    absence.note(endpoints(["user-a"]), at: start + .seconds(1))
    #expect(!absence.isListed && !absence.isTooLong(at: start + .milliseconds(1990)))
    #expect(absence.isTooLong(at: start + .seconds(2)))
    absence.note(endpoints(["user-a", "devtunnel-user-b"]), at: start + .seconds(3))
    #expect(absence.isListed && !absence.isTooLong(at: start + .seconds(60)))
  }
}

struct PortCountersTests {
  @Test("A new agent's counts are added to those of the one before; a fallback is no new agent")
  func sums() {
    var counters = PortCounters()
    counters.take(toHost: 5, toOrigin: 1)
    counters.take(toHost: 4, toOrigin: 2)
    #expect(counters.toHost == 4 && counters.toOrigin == 2)
    counters.take(toHost: 0, toOrigin: 3)
    #expect(counters.toHost == 4 && counters.toOrigin == 5)
    counters.take(toHost: 7, toOrigin: 3)
    #expect(counters.toHost == 11 && counters.toOrigin == 5)
  }
}

struct OwnConnectionsTests {
  @Test("Our own are left out, and an agent that follows does not bring them back")
  func leftOut() {
    var counters = PortCounters()
    counters.take(toHost: 0, toOrigin: 20)
    counters.leaveOut(18)
    #expect(counters.toOrigin == 2)
    counters.take(toHost: 5, toOrigin: 20)
    #expect(counters.toHost == 5 && counters.toOrigin == 2)
    counters.take(toHost: 0, toOrigin: 1)
    #expect(counters.toHost == 5 && counters.toOrigin == 3)
  }
}

struct DivertingTests {
  @Test(
    "Enough connections that none comes to the agent by chance",
    arguments: [(0, 6), (1, 6), (2, 9), (4, 15), (100, 24)])
  func probes(origins: Int, count: Int) { #expect(Interception.probes(origins: origins) == count) }

  @Test("Ready Pods that refuse: a NetworkPolicy is named")
  func refusals() {
    #expect(Interception.refusal(by: "Deployment/web", port: 8080, readyPods: 0).remedy?.contains("healthy") == true)
    let rejected = Interception.refusal(by: "Deployment/web", port: 8080, readyPods: 2)
    #expect(rejected.remedy?.contains("NetworkPolicy") == true)
    #expect(rejected.message.contains("2 of them are ready"))
  }

  @Test("No address: it is DNS that is to be looked at")
  func unreachable() {
    #expect(
      Interception.unreachable("Deployment/web", port: 8080, .nameNotFound, addresses: 0).remedy?.contains("port 53")
        == true)
    let dropped = Interception.unreachable("Deployment/web", port: 8080, .timedOut, addresses: 2)
    #expect(dropped.message.contains("2 addresses known") && dropped.remedy?.contains("NetworkPolicy") == true)
  }
}
