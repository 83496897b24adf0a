/// The functions that some texts declare, and the names and labels that they call. It reads words, not Swift: a
/// function counts as called when anything of its name and first label is.
struct CalledFunctions {
  struct Declaration: Hashable {
    var name: String
    /// "" for no parameters, "_" for one without a label.
    var label: String
    /// The first parameter need not be given.
    var hasDefault: Bool
    var file: String
    var isOverride: Bool
  }

  private(set) var declarations: [Declaration] = []
  /// By name: the first labels that calls have.
  private var calls: [String: Set<String>] = [:]
  /// Handed over, not called: `map(read)`.
  private var references: Set<String> = []

  /// Those that nothing calls.
  var uncalled: [Declaration] {
    declarations.filter { declaration in
      if declaration.isOverride || references.contains(declaration.name) { return false }
      let labels = calls[declaration.name] ?? []
      return !labels.contains(declaration.label) && (!declaration.hasDefault || labels.isEmpty)
    }
  }

  mutating func read(_ text: String, file: String) {
    var lines: [Substring] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      // A comment on a line of its own; one behind code does no harm.
      if line.drop(while: { $0 == " " }).hasPrefix("//") { continue }
      lines.append(line)
    }
    let bytes = Array(lines.joined(separator: "\n").utf8)
    var index = 0
    var former = ""
    var line = ""
    while index < bytes.count {
      guard Self.isWord(bytes[index]) else {
        if bytes[index] == UInt8(ascii: "\n") { line = "" }
        index += 1
        continue
      }
      let start = index
      while index < bytes.count, Self.isWord(bytes[index]) { index += 1 }
      let word = String(decoding: bytes[start..<index], as: UTF8.self)
      if former == "func" {
        declare(word, bytes, index, file, isOverride: line.contains("override"))
      } else {
        use(word, bytes, start, index)
      }
      former = word
      line += " " + word
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 }

  private mutating func declare(_ name: String, _ bytes: [UInt8], _ end: Int, _ file: String, isOverride: Bool) {
    var index = end
    var depth = 0
    // Generic parameters.
    while index < bytes.count, depth > 0 || bytes[index] != UInt8(ascii: "(") {
      if bytes[index] == UInt8(ascii: "<") { depth += 1 }
      if bytes[index] == UInt8(ascii: ">") { depth -= 1 }
      index += 1
    }
    let label = Self.label(bytes, &index)
    var hasDefault = false
    depth = 0
    while index < bytes.count, depth > 0 || bytes[index] != UInt8(ascii: ",") && bytes[index] != UInt8(ascii: ")") {
      if "([{".utf8.contains(bytes[index]) { depth += 1 }
      if ")]}".utf8.contains(bytes[index]) { depth -= 1 }
      if depth == 0, bytes[index] == UInt8(ascii: "=") { hasDefault = true }
      index += 1
    }
    declarations.append(
      Declaration(name: name, label: label, hasDefault: hasDefault, file: file, isOverride: isOverride))
  }

  /// Returns the first label between the parentheses, behind the name.
  private static func label(_ bytes: [UInt8], _ index: inout Int) -> String {
    index += 1
    while index < bytes.count, isSpace(bytes[index]) { index += 1 }
    guard index < bytes.count, bytes[index] != UInt8(ascii: ")") else { return "" }
    let start = index
    while index < bytes.count, isWord(bytes[index]) { index += 1 }
    let word = String(decoding: bytes[start..<index], as: UTF8.self)
    var next = index
    while next < bytes.count, isWord(bytes[next]) || bytes[next] == 32 { next += 1 }
    return !word.isEmpty && next < bytes.count && bytes[next] == UInt8(ascii: ":") ? word : "_"
  }

  private mutating func use(_ word: String, _ bytes: [UInt8], _ start: Int, _ end: Int) {
    var next = end
    while next < bytes.count, bytes[next] == 32 { next += 1 }
    let following = next < bytes.count ? bytes[next] : 10
    if following == UInt8(ascii: "("), next == end {
      calls[word, default: []].insert(Self.label(bytes, &next))
    } else if following == UInt8(ascii: "{") || following == UInt8(ascii: "<") {
      references.insert(word)
    } else if following != UInt8(ascii: ":"), following != UInt8(ascii: "=") {
      var before = start - 1
      while before >= 0, Self.isSpace(bytes[before]) { before -= 1 }
      if before >= 0, ".(,=?:&".utf8.contains(bytes[before]) { references.insert(word) }
    }
  }
}
