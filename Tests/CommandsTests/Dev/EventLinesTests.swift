import DevLoop
import Testing

@testable import Commands

struct EventLinesTests {
  private let lines = EventLines(directory: "/src/user")

  @Test func aFailureSaysWhatWhereAndWhatToDo() {
    let error = LoopError(.building, "app: step 2 failed", position: "/src/user/Dockerfile:2", details: ["no such file"], remedy: "make it")
    #expect(lines.lines(.failed(error)) == ["building failed: Dockerfile:2: app: step 2 failed", "  no such file", "make it"])
  }

  @Test func aBuildersOutputIsForVerboseOnes() {
    let event = DevEvent.buildOutput(.init(artifact: "app", line: "STEP 1"))
    #expect(lines.lines(event).isEmpty)
    #expect(EventLines(verbose: true).lines(event) == ["app: STEP 1"])
  }

  @Test func withoutATerminalThereAreNoColours() {
    #expect(lines.lines(.warning(.init(message: "/src/user/a.yaml:1: twice"))) == ["warning: a.yaml:1: twice"])
  }

  @Test func theBlockIsTakenBackBeforeItIsDrawnAgain() {
    var block = StatusBlock()
    let first = block.redraw(over: ["one"], columns: 80) { $0 }
    #expect(first == "one\ndevtunnel watch · reading the configuration\n")
    block.take(.failed(LoopError(.building, "it is broken")))
    let second = block.redraw(over: ["two"], columns: 20) { $0 }
    #expect(second == "\u{1B}[1A\r\u{1B}[Jtwo\ndevtunnel watch · w\n  failed: it is bro\n")
    #expect(block.erase() == "\u{1B}[2A\r\u{1B}[J" && block.erase().isEmpty)
  }
}
