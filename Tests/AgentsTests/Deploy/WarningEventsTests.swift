import KubeObjects
import Testing

@testable import Agents

struct WarningEventsTests {
  private let pod: JSONValue = ["metadata": ["name": "p", "uid": "u"]]

  private func event(_ message: String, at time: String, uid: String = "u", reason: String = "Failed") -> JSONValue {
    FakeNamespace.event(about: uid, named: "p", reason, message, at: time)
  }

  @Test("By time, whatever order the API server lists them in; the newest stay")
  func order() {
    let events = [3, 1, 2].map { event("message \($0)", at: "2026-01-01T00:00:0\($0)Z") }
    #expect(
      WarningEvents(events, about: pod).texts == [
        "event Failed: message 1", "event Failed: message 2", "event Failed: message 3",
      ])
    #expect(
      WarningEvents(events, about: pod, limit: 2).texts == ["event Failed: message 2", "event Failed: message 3"])
  }

  @Test("Once each, and only this very object's")
  func once() {
    let events = [
      event("same", at: "2026-01-01T00:00:01Z"), event("same", at: "2026-01-01T00:00:03Z"),
      event("other", at: "2026-01-01T00:00:02Z"),
      event("stranger", at: "2026-01-01T00:00:04Z", uid: "former"),
    ]
    #expect(WarningEvents(events, about: pod).texts == ["event Failed: other", "event Failed: same"])
  }

  @Test("A writer of events.k8s.io leaves lastTimestamp empty")
  func eventTime() {
    var newer = event("newer", at: "")
    newer["lastTimestamp"] = .null
    newer["eventTime"] = "2026-01-01T00:00:09.000001Z"
    #expect(
      WarningEvents([newer, event("older", at: "2026-01-01T00:00:08Z")], about: pod).texts == [
        "event Failed: older", "event Failed: newer",
      ])
  }

  @Test("A gateway is never Ready: its readiness probe is no news, all else is")
  func neverReady() {
    let events = [
      event("Readiness probe failed: ", at: "2026-01-01T00:00:01Z", reason: "Unhealthy"),
      event("no room", at: "2026-01-01T00:00:02Z"),
    ]
    var gateway = pod
    gateway["spec"] = [
      "containers": [["name": "devtunnel-agent", "command": ["/devtunnel/agent", "serve", "--never-ready"]]]
    ]
    #expect(WarningEvents(events, about: gateway).texts == ["event Failed: no room"])
    #expect(WarningEvents(events, about: pod).texts.count == 2)
  }
}
