import ControlAPI
import Foundation
import Testing

@testable import Commands

/// The stream of `status --watch --output json`, and its page.
struct StatusEventTests {
  private static let session = SessionReport(
    context: "dev", namespace: "shop", agent: "devtunnel-web", pod: "p", state: "connected", carrier: nil,
    roundTripMilliseconds: 1.5, streams: 1, sentBytes: 2, receivedBytes: 3, lastProblem: nil)
  private static let intercept = InterceptReport(
    context: "dev", cluster: .unknown, namespace: "shop", service: "web", workload: "Deployment/web", state: .active,
    ports: [], holder: "a@b", since: "now")
  private static let full = StatusReport(
    daemon: DaemonReport(pid: 1, version: "1", since: "now", socket: "/s", log: "/l"), intercepts: [intercept],
    forwards: [ForwardReport(id: "f1", context: "dev", namespace: "shop", target: "db", ports: [])],
    outbound: [OutboundReport(id: "p1", kind: "proxy", context: "dev", namespace: "shop")], sessions: [session],
    left: [LeaveReport(intercept.id, context: "dev", cut: 0)], notes: ["a note"])
  private static let events: [StatusEvent.Change] =
    [.snapshot(full), .heartbeat, .ended, .removed(.init(kind: .forward, id: "f1"))]
    + full.items.flatMap { [.added($0), .changed($0)] }

  private func members(_ change: StatusEvent.Change) throws -> [String: Any] {
    let text = try JSONOutput.text(StatusEvent(change, time: "2026-01-31T10:02:00.123Z"), isPretty: false)
    #expect(!text.contains("\n"))
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test(arguments: events) func anEventComesBackFromItsLine(change: StatusEvent.Change) throws {
    let event = StatusEvent(change, time: "2026-01-31T10:02:00.123Z")
    let line = try JSONOutput.text(event, isPretty: false)
    #expect(try JSONDecoder().decode(StatusEvent.self, from: Data(line.utf8)) == event)
  }

  @Test func thePageHasEachTypeKindAndField() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    let page = try String(contentsOf: root.appending(path: "docs/output.md"), encoding: .utf8)
    let section = try #require(page.components(separatedBy: "\n## ").first { $0.hasPrefix("status --watch") })
    let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") }.map {
      $0.split(separator: "|").map(String.init)
    }
    var types: Set<String> = []
    for change in Self.events {
      let members = try members(change)
      let type = try #require(members["type"] as? String)
      types.insert(type)
      let row = try #require(rows.first { $0[0].contains("`\(type)`") }, "\(type) is not on the page")
      guard case .snapshot = change else {
        for field in members.keys where !["type", "time"].contains(field) {
          #expect(row[1].contains("`\(field)`"), "\(type) has \(field)")
        }
        continue
      }
      let status = try #require(page.components(separatedBy: "\n## ").first { $0.hasPrefix("status: an object") })
      for field in members.keys where !["type", "time"].contains(field) { #expect(status.contains("| `\(field)` |")) }
    }
    let kinds = Set(StatusItem.Kind.allCases.map(\.rawValue))
    let named = Set(
      rows.flatMap { $0[0].split(separator: ",").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) } })
    #expect(named == types.union(kinds).union(["type", "kind"]).intersection(named))
    #expect(named.isSuperset(of: types.union(kinds)))
  }

  @Test func aReaderOfAllEventsHasTheState() {
    var later = Self.full
    later.forwards = []
    later.sessions[0].streams = 5
    later.notes = []
    later.intercepts.append(Self.intercept)
    var known: [StatusItem] = []
    known.take(.snapshot(Self.full))
    let changes = known.changes(to: later.items)
    for change in changes { known.take(change) }
    #expect(Set(known) == Set(later.items))
    #expect(known.changes(to: later.items).isEmpty)
    #expect(changes.contains(.added(StatusItem(id: "dev/shop/web#2", value: .intercept(Self.intercept)))))
    #expect(changes.contains(.removed(.init(kind: .forward, id: "f1"))))
    #expect(changes.count == 4)
  }

  @Test func linesTellOfStatesAndNotOfCounters() {
    var lines = StatusLines()
    #expect(
      lines.take(.snapshot(Self.full)) == [
        "daemon: 1, pid 1", "intercept dev/shop/web: active", "forward f1: ", "outbound p1: proxy at -",
        "session dev/shop/devtunnel-web: connected: p", "left: Service web in namespace shop is restored.",
        "notes: a note",
      ])
    var busy = Self.session
    busy.streams = 9
    #expect(lines.take(.changed(StatusItem(id: "dev/shop/devtunnel-web", value: .session(busy)))).isEmpty)
    var open = Self.intercept
    open.state = .failedOpen
    open.message = "the host refuses"
    #expect(
      lines.take(.changed(StatusItem(id: "dev/shop/web", value: .intercept(open)))) == [
        "intercept dev/shop/web: failedOpen: the host refuses"
      ])
    #expect(lines.take(.removed(.init(kind: .forward, id: "f1"))) == ["forward f1: gone"])
    #expect(lines.take(.heartbeat).isEmpty)
    #expect(lines.take(.ended) == ["The daemon has ended; waiting for another one."])
    #expect(lines.take(.snapshot(StatusReport(daemon: nil))).isEmpty)
  }

  @Test(arguments: [
    (2, 24, "\u{1B}[Hone\u{1B}[K\ntwo\u{1B}[K\n\u{1B}[K\n<the end >\u{1B}[J"),
    (4, 6, "\u{1B}[Hone\u{1B}[K\ntwo\u{1B}[K\n… and 2 \u{1B}[K\n\u{1B}[K\n<the end >\u{1B}[J"),
  ])
  func aScreenHasNoMoreThanItsRoom(count: Int, rows: Int, expected: String) {
    let lines = Array(["one", "two", "three", "four"].prefix(count))
    let drawing = StatusScreen.drawing(lines, foot: "the end is cut", columns: 9, rows: rows) { "<\($0)>" }
    #expect(drawing.bytes == expected)
  }
}
