import FoundationEssentials
import KubeObjects
import Testing

@testable import DevLoop

struct EventTests {
  private func json(_ event: DevEvent) throws -> JSONValue {
    try JSONValue(parsing: Array(JSONEncoder().encode(event)))
  }

  @Test func anEventIsAFlatObject() throws {
    let object = try json(.built(.init(artifact: "app", tag: "app:1", id: "sha256:1", cached: false, milliseconds: 5)))
    #expect(
      object["event"]?.stringValue == "built" && object["artifact"]?.stringValue == "app"
        && object["milliseconds"]?.intValue == 5)
    #expect(object["time"]?.stringValue?.hasSuffix("Z") == true)
  }

  @Test func aFailureSaysWhatWhereAndWhatToDo() throws {
    let object = try json(.failed(LoopError(.building, "no", position: "a:1", details: ["x"], remedy: "y")))
    #expect(
      object["event"]?.stringValue == "failed" && object["stage"]?.stringValue == "building"
        && object["position"]?.stringValue == "a:1")
    #expect(
      object["details"]?.elements.count == 1 && object["remedy"]?.stringValue == "y" && object["isTransient"] == nil)
  }

  @Test func aTimelineLeavesOutWhatWasNotNeeded() throws {
    var timeline = Timeline()
    timeline.synced = 90
    #expect(try json(.timeline(timeline)).objectValue?.keys.sorted() == ["event", "synced", "time"])
  }
}
