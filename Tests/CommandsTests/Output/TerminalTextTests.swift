import Foundation
import TerminalText
import Testing

/// Sequences that a terminal would obey, from any source.
@Suite struct TerminalTextTests {
  /// Everything that a terminal may act upon; the rest of each text must be seen.
  static let attacks: [String] = [
    "\u{1b}]0;pwn\u{7}", "\u{1b}]52;c;cHdu\u{1b}\\", "\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}]0;never ended", "\u{9d}0;pwn\u{9c}",
    "\u{1b}[2J\u{1b}[H", "\u{1b}[1A\u{1b}[2Kspoofed", "\u{9b}2J", "\u{1b}[ \u{1b}[ # 8 m", "\u{1b}[8mhidden",
    "\u{1b}[30;40mblack", "\u{1b}[48;5;0mblack",
    "\u{1b}[38;5;1m",
    "\u{1b}[7m", "\u{1b}[31", "\u{1b}[31 m", "\u{1b}[>4;1m", "\u{1b}[?25l", "\u{1b}[!p", "\u{1b}[31\u{1b}[2Jm",
    "\u{1b}[99999999999999999999m", "\u{1b}[:m",
    "\u{1b}P0;1|17/ab\u{1b}\\", "\u{1b}Xsos\u{1b}\\", "\u{1b}^pm\u{1b}\\", "\u{1b}_apc\u{1b}\\", "\u{90}dcs\u{9c}",
    "\u{98}sos\u{9c}", "\u{9e}pm\u{9c}",
    "\u{9f}apc\u{9c}",
    "\u{1b}c", "\u{1b}7", "\u{1b}(0", "\u{1b}#8", "\u{1b}%G", "\u{1b} F", "\u{1b}", "\u{1b}\u{1b}\u{1b}[2J", "a\rb",
    "a\u{8}\u{8}b", "\u{0}", "\u{5}", "\u{e}",
    "\u{7f}",
    "\u{84}", "\u{85}", "\u{8d}", "\u{202e}drowssap\u{202c}", "\u{202a}\u{202b}\u{202d}",
    "\u{2066}\u{2067}\u{2068}\u{2069}", "\u{2028}\u{2029}",
    String(
      decoding: [0xc2, 0x9b, 0x32, 0x4a, 0x9b, 0x32, 0x4a, 0xff, 0xfe, 0xc0, 0x9b, 0xe2, 0x80] as [UInt8], as: UTF8.self
    ),
  ]

  /// Written apart from what is tested: the first thing that a terminal would act upon.
  static func obeyed(_ text: String, colours: Bool, lines: Bool) -> String? {
    let bytes = Array(text.unicodeScalars)
    var index = 0
    while index < bytes.count {
      let value = bytes[index].value
      if value == 0x1b, colours, let end = bytes[index...].firstIndex(of: "m"), end > index + 1,
        bytes[index + 1] == "[",
        bytes[(index + 2)..<end].allSatisfy({ "0123456789;".unicodeScalars.contains($0) })
      {
        let numbers = String(String.UnicodeScalarView(bytes[(index + 2)..<end])).split(separator: ";").compactMap {
          Int($0)
        }
        if numbers.contains(where: {
          $0 > 4 && $0 < 22 || $0 > 24 && $0 < 31 || $0 == 38 || $0 > 39 && $0 < 90 || $0 > 97
        }) {
          return "SGR \(numbers)"
        }
        index = end + 1
        continue
      }
      let isKept = lines && (value == 0x0a || value == 0x09)
      if value < 0x20 && !isKept || (0x7f...0x9f).contains(value) || (0x2028...0x202e).contains(value)
        || (0x2066...0x2069).contains(value)
      {
        return "\(value) at \(index)"
      }
      index += 1
    }
    return nil
  }

  /// The characters that are no control, in order.
  private func plain(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.filter { Self.obeyed(String($0), colours: false, lines: false) == nil }))
  }

  private func isWithin(_ part: String, _ whole: String) -> Bool {
    var rest = whole.unicodeScalars[...]
    return part.unicodeScalars.allSatisfy { scalar in
      guard let place = rest.firstIndex(of: scalar) else { return false }
      rest = rest[rest.index(after: place)...]
      return true
    }
  }

  @Test(arguments: attacks)
  func noControlPasses(attack: String) {
    for text in [attack, "before \(attack) after", attack + attack] {
      for colours in [false, true] {
        let seen = TerminalText.visible(text, colours: colours)
        #expect(Self.obeyed(seen, colours: colours, lines: true) == nil)
        #expect(
          Self.obeyed(TerminalText.visible(TerminalText.still(text), colours: colours), colours: colours, lines: true)
            == nil)
        #expect(isWithin(plain(text), seen), "nothing of it is swallowed: \(seen)")
      }
      #expect(Self.obeyed(TerminalText.cell(text), colours: false, lines: false) == nil)
      #expect(Self.obeyed(TerminalText.json(text).filter { $0 > "\u{1f}" }, colours: false, lines: false) == nil)
    }
  }

  @Test func whatIsSeen() {
    #expect(TerminalText.visible("\u{1b}]0;pwn\u{7}") == "\u{241b}]0;pwn\u{2407}")
    #expect(TerminalText.visible("a\u{9b}2J\u{202e}b\u{7f}\u{0}") == "a\\u{9b}2J\\u{202e}b\u{2421}\u{2400}")
    #expect(TerminalText.visible("one\ntwo\tthree\r\nfour\r") == "one\ntwo\tthree\nfour\u{240d}")
    #expect(TerminalText.cell("one\ntwo\t") == "one\u{240a}two\u{2409}")
    #expect(TerminalText.visible("Grüße, 日本, 👩‍👩‍👧, שלום") == "Grüße, 日本, 👩‍👩‍👧, שלום")
  }

  @Test func coloursPassWhereTheyMayAndEndWithTheText() {
    #expect(
      TerminalText.visible("\u{1b}[31mred\u{1b}[0m \u{1b}[1;32mgreen", colours: true)
        == "\u{1b}[31mred\u{1b}[0m \u{1b}[1;32mgreen\u{1b}[0m")
    #expect(TerminalText.visible("\u{1b}[31mred\u{1b}[m", colours: true) == "\u{1b}[31mred\u{1b}[m")
    #expect(TerminalText.visible("\u{1b}[31mred\u{1b}[0m") == "red" && TerminalText.cell("\u{1b}[2mx") == "x")
  }

  @Test func aLogLineKeepsItsColoursAndNothingElse() {
    #expect(
      TerminalText.still("\u{1b}[2K\r50%\rdone \u{1b}[32mok\u{1b}[0m\u{1b}[?25h\u{1b}]0;title\u{7}!")
        == "done \u{1b}[32mok\u{1b}[0m!")
    #expect(TerminalText.still("kept\r") == "kept" && TerminalText.still("\u{1b}(B\u{1b}[48;5;1mx") == "x")
    // An incomplete sequence stays visible.
    #expect(TerminalText.still("\u{1b}]0;never ended") == "\u{1b}]0;never ended")
  }

  /// A log's line may have 64 KiB, and its writer chooses its content. Here it is longer, so that the time tells.
  @Test(arguments: ["\u{1b}7", "\u{1b}[m", "\u{1b}]", "\u{1b}]0;x\u{7}", "\u{9b}0", "\r", "\u{1b}[0;"])
  func aLongLineIsReadOnce(piece: String) {
    let line = String(repeating: piece, count: (256 << 10) / piece.utf8.count)
    let start = processTime()
    _ = TerminalText.visible(TerminalText.still(line), colours: true)
    // Counting the rest of the line at each sequence takes 10^10 steps.
    #expect(processTime() - start < .seconds(10))
  }

  /// The processor's time of this process: other programs do not count.
  private func processTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  @Test(arguments: ["\u{200e}", "\u{200f}", "\u{61c}"]) func marksThatTurnTextAreVisible(mark: String) {
    let number = String(mark.unicodeScalars.first!.value, radix: 16)
    #expect(TerminalText.visible("a\(mark)b") == "a\\u{\(number)}b")
    #expect(!TerminalText.json("\"\(mark)\"").unicodeScalars.contains(mark.unicodeScalars.first!))
  }

  /// A reader of JSON finds the same text.
  @Test func jsonSaysTheSame() throws {
    let text = "a\u{9b}\u{7f}\u{202e}\u{2028}\u{2069}é\n\u{1b}"
    let json = TerminalText.json("\"a\u{9b}\u{7f}\u{202e}\u{2028}\u{2069}é\\n\\u001b\"")
    #expect(json == "\"a\\u009b\\u007f\\u202e\\u2028\\u2069é\\n\\u001b\"")
    #expect(try JSONDecoder().decode(String.self, from: Data(json.utf8)) == text)
  }

  /// Anything of these pieces, in any order.
  @Test func anythingAtAll() {
    var seed: UInt64 = 20_261_130
    func next(_ count: Int) -> Int {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(seed >> 33) % count
    }
    let pieces = [
      "\u{1b}", "[", "]", "P", "X", "^", "_", "\\", "\u{7}", "\u{9b}", "\u{9d}", "\u{9c}", "0", "1", "31", "8", "38",
      "48", ";", ":", "?", " ", "#", "m", "J",
      "H", "c", "\r", "\n", "\t", "\u{202e}", "\u{2066}", "\u{0}", "x", "é",
    ]
    for _ in 0..<100_000 {
      let text = (0..<(1 + next(12))).map { _ in pieces[next(pieces.count)] }.joined()
      let seen = TerminalText.visible(text, colours: true)
      let still = TerminalText.visible(TerminalText.still(text), colours: true)
      guard Self.obeyed(seen, colours: true, lines: true) == nil, Self.obeyed(still, colours: true, lines: true) == nil,
        Self.obeyed(TerminalText.cell(text), colours: false, lines: false) == nil
      else {
        Issue.record("\(Array(text.unicodeScalars.map(\.value)))")
        return
      }
    }
  }
}
