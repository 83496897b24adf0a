import ControlAPI
import Testing

@testable import Commands
@testable import DevLoop

struct EventLinesTests {
  private let lines = EventLines(directory: "/src/user")

  @Test func aFailureSaysWhatWhereAndWhatToDo() {
    let error = LoopError(
      .building, "app: step 2 failed", position: "/src/user/Dockerfile:2", details: ["no such file"], remedy: "make it")
    #expect(
      lines.lines(.failed(error)) == ["building failed: Dockerfile:2: app: step 2 failed", "  no such file", "make it"])
  }

  @Test("Several mistakes have their remedies behind them")
  func remedies() {
    var error = LoopError(.configuration, "one", details: ["a detail"], remedy: "mend one")
    error.others = ["/src/user/a.yaml:2: two; mend two"]
    #expect(
      lines.lines(.failed(error)) == [
        "reading the configuration failed: one", "  a detail", "mend one", "  a.yaml:2: two; mend two",
      ])
    let control = ControlError(error)
    #expect(control.details == ["a detail", "mend one", "/src/user/a.yaml:2: two; mend two"] && control.remedy == nil)
  }

  @Test("Without a save the times count from the start")
  func timelines() {
    var timeline = Timeline()
    timeline.ready = 4694
    #expect(lines.lines(.timeline(timeline)) == ["ms since the start: ready 4694"])
    timeline.detected = 20
    #expect(lines.lines(.timeline(timeline)) == ["ms since the save: detected 20, ready 4694"])
  }

  @Test func aReplayEndsWithItsSummary() {
    let event = DevEvent.Replayed(
      same: 37, differs: 1, failed: 0, skipped: 0, summary: "37 of 38 answers the same",
      details: ["differs  GET /items", "    body.items[0].price: 10 → 11\u{1B}[2J"], milliseconds: 1200)
    #expect(
      lines.lines(.replayed(event)) == [
        "  differs  GET /items", "      body.items[0].price: 10 → 11", "37 of 38 answers the same in 1.2 s",
      ])
  }

  @Test("A forward that is lost is reported, and the block shows it as closed")
  func lostForward() {
    let forward = DevEvent.Forwarded(
      target: "svc/app", namespace: "shop", port: "80", host: "127.0.0.1:8080", note: "the daemon has ended")
    #expect(
      lines.lines(.unforwarded(forward)) == ["closed: 127.0.0.1:8080 → svc/app:80 in shop (the daemon has ended)"])
    var block = StatusBlock()
    block.take(.forwarded(forward))
    block.take(.unforwarded(forward))
    let shown = block.redraw(over: [], columns: 80) { $0 }.bytes
    #expect(shown.contains("127.0.0.1:8080 → svc/app:80 (closed)\n") && !shown.contains("svc/app:80\n"))
    block.take(.forwarded(forward))
    #expect(block.redraw(over: [], columns: 80) { $0 }.bytes.contains("svc/app:80\n"))
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
    let first = block.redraw(over: ["one"], columns: 80) { $0 }.bytes
    #expect(first == "one\ndevtunnel watch · reading the configuration\n")
    block.take(.failed(LoopError(.building, "it is broken")))
    let second = block.redraw(over: ["two"], columns: 20) { $0 }.bytes
    #expect(second == "\u{1B}[1A\r\u{1B}[Jtwo\ndevtunnel watch · w\n  failed: it is bro\n")
    #expect(block.erase().bytes == "\u{1B}[2A\r\u{1B}[J" && block.erase().isEmpty)
  }

  @Test func theBlockIsNoHigherThanTheTerminal() {
    var block = StatusBlock()
    for port in 1...8 {
      block.take(
        .forwarded(.init(target: "svc/\(port)", namespace: "a", port: "\(port)", host: "127.0.0.1:\(port)", note: nil)))
    }
    block.take(.failed(LoopError(.building, "first\nsecond")))
    #expect(block.redraw(over: [], columns: 80, rows: 6) { $0 }.bytes.split(separator: "\n").count == 4)
    #expect(block.redraw(over: [], columns: 80, rows: 50) { $0 }.bytes.hasSuffix("failed: first\n"))
  }

  @Test(
    "A log's line cannot move what is drawn below it",
    arguments: [
      ("plain ü", "plain ü"), ("\u{1B}[31mred\u{1B}[0m\ttab", "\u{1B}[31mred\u{1B}[0m\ttab"),
      ("\u{1B}[2J\u{1B}[3Aup\u{1B}cx", "upx"),
      ("10 %\r90 %", "90 %"), ("end\r", "end"), ("\u{1B}]0;title\u{7}a\u{1B}]8;;x\u{1B}\\b", "ab"),
      ("bell\u{7}\u{8}", "bell\u{2407}\u{2408}"),
      ("cut \u{1B}[3", "cut \u{241B}[3"),
    ])
  func logs(text: String, expected: String) {
    let event = DevEvent.log(.init(namespace: "a", pod: "p", container: "c", text: text))
    var drawing = TerminalDrawing()
    drawing.line(EventLines().lines(event)[0])
    #expect(drawing.bytes == "[p c] " + expected + "\n")
  }

  @Test func aVeryLongLineKeepsItsBeginningAndItsEnd() {
    let error = LoopError(.building, "no", details: ["begin" + String(repeating: "x", count: 5000) + "end"])
    #expect(
      lines.lines(.failed(error))[1].count < 700 && lines.lines(.failed(error))[1].hasPrefix("  begin")
        && lines.lines(.failed(error))[1].hasSuffix("end"))
    #expect(EventLines(verbose: true).lines(.failed(error))[1].count == 5010)
  }
}
