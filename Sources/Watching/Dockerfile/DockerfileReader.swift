/// A Dockerfile's instructions, with continued lines joined and heredocs removed (Dockerfile reference, "Format",
/// "Parser directives", "Here-Documents").
struct DockerfileReader {
  struct Instruction {
    /// In capitals.
    var keyword: String
    /// The text that follows it, on one line.
    var arguments: String
    /// The line it begins on, counted from 1.
    var line: Int
  }

  let file: String
  private(set) var escape: Character = "\\"
  private(set) var instructions: [Instruction] = []
  private var lines: [Substring]
  private var next = 0

  init(_ text: String, file: String) throws(WatchError) {
    self.file = file
    lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    if let first = lines.first, first.unicodeScalars.first == "\u{FEFF}" {
      lines[0] = Substring(first.unicodeScalars.dropFirst())
    }
    try readDirectives()
    while next < lines.count { try readInstruction() }
  }

  /// Reads `# escape=` and other directives; they end with the first other line.
  private mutating func readDirectives() throws(WatchError) {
    for (index, line) in lines.enumerated() {
      guard line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { return }
      let name = line[line.index(after: line.startIndex)..<equals].trimmed.lowercased()
      guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber }) else { return }
      guard name == "escape" else { continue }
      let value = line[line.index(after: equals)...].trimmed
      guard value == "\\" || value == "`" else {
        throw WatchError(
          .syntax, "escape=\(value) is not possible", file: file, line: index + 1, remedy: "write \\ or `")
      }
      escape = value.first!
    }
  }

  private mutating func readInstruction() throws(WatchError) {
    let start = next
    var text = lines[next].trimmed
    next += 1
    guard !text.isEmpty, !text.hasPrefix("#") else { return }
    var joined = ""
    while let part = continued(text) {
      joined += part
      // Comments and empty lines inside an instruction do not end it.
      while next < lines.count, lines[next].trimmed.isEmpty || lines[next].trimmed.hasPrefix("#") { next += 1 }
      guard next < lines.count else {
        text = ""
        break
      }
      text = lines[next]
      next += 1
    }
    joined += text
    let keyword = joined.prefix { !$0.isWhitespace }
    let arguments = joined.dropFirst(keyword.count).trimmed
    instructions.append(Instruction(keyword: keyword.uppercased(), arguments: String(arguments), line: start + 1))
    let triggered = keyword.uppercased() == "ONBUILD" ? arguments.prefix { !$0.isWhitespace } : keyword
    if ["RUN", "COPY", "ADD"].contains(triggered.uppercased()) {
      try skipHeredocs(of: String(arguments), line: start + 1)
    }
  }

  /// Returns the line without its final escape, or nil without one.
  private func continued(_ line: Substring) -> Substring? {
    var rest = line
    while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
    guard rest.last == escape else { return nil }
    rest.removeLast()
    return rest.last == escape ? nil : rest
  }

  private mutating func skipHeredocs(of arguments: String, line: Int) throws(WatchError) {
    for word in ShellWord.split(arguments, escape: escape) {
      guard let heredoc = Heredoc(word, escape: escape) else { continue }
      while true {
        guard next < lines.count else {
          throw WatchError(
            .syntax, "the here-document \(heredoc.name) has no end", file: file, line: line,
            remedy: "write \(heredoc.name) on a line of its own behind it")
        }
        let text = heredoc.stripsTabs ? lines[next].drop { $0 == "\t" } : lines[next]
        next += 1
        if text == heredoc.name { break }
      }
    }
  }
}

/// `<<EOF`, `<<-EOF`, `3<<"EOF"`.
struct Heredoc {
  var name: String
  var stripsTabs: Bool

  init?(_ word: String, escape: Character) {
    var rest = word.drop(while: \.isNumber)
    guard rest.hasPrefix("<<") else { return nil }
    rest = rest.dropFirst(2)
    stripsTabs = rest.hasPrefix("-")
    if stripsTabs { rest = rest.dropFirst() }
    guard !rest.isEmpty, !rest.contains("<"), !rest.contains("$") else { return nil }
    guard let name = ShellWord.expand(String(rest), escape: escape, lookup: { _ in nil }) else { return nil }
    self.name = name
  }
}
