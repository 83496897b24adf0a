import KubeObjects
import Testing

struct ObjectViewsTests {
  @Test(
    "An event's time is the last one that its writer gave",
    arguments: [
      (["series": ["lastObservedTime": "4"], "lastTimestamp": "3", "eventTime": "2"], "4"),
      (["lastTimestamp": "3", "eventTime": "2", "metadata": ["creationTimestamp": "1"]], "3"),
      (["lastTimestamp": nil, "eventTime": "2", "metadata": ["creationTimestamp": "1"]], "2"),
      (["metadata": ["creationTimestamp": "1"]], "1"), ([:], ""),
    ] as [(JSONValue, String)])
  func eventTime(event: JSONValue, time: String) { #expect(ObjectEvent(event).time == time) }

  @Test func event() {
    let event = ObjectEvent([
      "type": "Warning", "reason": "Failed", "message": "one\ntwo", "involvedObject": ["name": "a", "uid": "u"],
    ])
    #expect(event.isWarning && event.subject == "u" && event.text == "Failed: one two" && event.message == "one\ntwo")
    #expect(!ObjectEvent(["type": "Normal"]).isWarning && ObjectEvent([:]).subject == nil)
  }

  @Test("A reference that lacks a member is none, and the controller is the one that says so")
  func owners() {
    let whole: JSONValue = [
      "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u", "controller": true,
    ]
    var object: JSONValue = [:]
    object[path: "metadata", "ownerReferences"] = [
      ["apiVersion": "v1", "kind": "Node", "name": "n", "uid": "v"], whole, ["kind": "Job", "controller": true],
    ]
    #expect(object.owners.map(\.name) == ["n", "web-1"])
    #expect(object.controllerReference?.json == whole)
    for member in ["apiVersion", "kind", "name", "uid"] {
      var part = whole
      part[member] = nil
      object[path: "metadata", "ownerReferences"] = [part]
      #expect(object.controllerReference == nil)
    }
  }

  @Test("A reference to an object needs one that the API server has made")
  func reference() {
    var object: JSONValue = ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "uid": "u"]]
    #expect(
      OwnerReference(to: object)?.json == [
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u",
      ])
    object[path: "metadata", "uid"] = nil
    #expect(OwnerReference(to: object) == nil)
  }

  @Test("An endpoint that does not say is ready")
  func endpoints() {
    let slice: JSONValue = [
      "endpoints": [
        ["addresses": ["10.0.0.1", "10.0.0.2"], "targetRef": ["kind": "Pod", "name": "web-1"]],
        ["addresses": [], "conditions": ["ready": false]],
        ["conditions": ["ready": true, "terminating": true]],
      ]
    ]
    #expect(slice.endpoints.map(\.isReady) == [true, false, true])
    #expect(slice.endpoints.map(\.isTerminating) == [false, false, true])
    #expect(slice.endpoints[0].addresses == ["10.0.0.1", "10.0.0.2"])
    #expect(slice.endpoints[0].targetKind == "Pod" && slice.endpoints[0].targetName == "web-1")
    #expect(JSONValue.null.endpoints.isEmpty)
  }

  @Test(
    "A port has a number from 1 to 65535, and a label",
    arguments: [
      (["port": 80, "name": "http"], 80, "80 (http)"), (["containerPort": 8080], 8080, "8080"),
      (["port": 0, "name": "none"], nil, "? (none)"), (["port": 70_000], nil, "?"), (["port": "http"], nil, "?"),
      ([:], nil, "?"),
    ] as [(JSONValue, UInt16?, String)])
  func port(port: JSONValue, number: UInt16?, label: String) {
    #expect(port.portNumber == number)
    #expect(port.portLabel == label)
  }

  @Test(
    "A word means a port by its number or its name",
    arguments: [("80", true), ("http", true), ("", false), ("8080", false), ("080", false), ("HTTP", false)])
  func word(word: String, isMeant: Bool) {
    let port: JSONValue = ["port": 80, "name": "http"]
    let nameless: JSONValue = ["port": 81]
    #expect(port.isPort(word) == isMeant)
    #expect(!nameless.isPort(word))
  }
}
