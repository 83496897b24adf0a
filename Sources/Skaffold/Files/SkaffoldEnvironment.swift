import Manifests

/// `skaffold.env`: variables beside a skaffold.yaml, in the syntax of the library that Skaffold reads it with
/// (godotenv): `NAME=VALUE` or `NAME: VALUE`, `export`, comments, and values in quotes.
public enum SkaffoldEnvironment {
  /// Skaffold's name, in the directory that the command is started in (pkg/skaffold/constants).
  public static let name = "skaffold.env"

  /// A variable's value, and the line of its name.
  public struct Variable: Sendable, Hashable {
    public var value: String
    public var position: SourcePosition
  }

  /// In bytes: as much as a skaffold.yaml may have. The values together have no more either: each may hold earlier ones
  /// twice.
  static let longest = 1 << 20

  /// Reads a directory's file; a missing one has no variables.
  /// - Throws: `InputError` with the line that is wrong.
  public static func read(in directory: String) throws(InputError) -> [String: Variable] {
    let path = Paths.absolute(name, in: directory)
    guard Paths.isDirectory(path) != nil else { return [:] }
    return try parse(try ManifestReader.text(of: path), file: path)
  }

  static func parse(_ text: String, file: String) throws(InputError) -> [String: Variable] {
    guard text.utf8.count <= longest else {
      throw InputError(
        "\(file) has more than \(longest >> 20) MiB", at: SourcePosition(file: file, line: 1),
        remedy: "keep variables in it, and nothing else")
    }
    var parser = Parser(rest: Array(text.unicodeScalars)[...], file: file)
    return try parser.variables()
  }

  /// The functions are in the order in which a line's parts come.
  private struct Parser {
    var rest: ArraySlice<Unicode.Scalar>
    let file: String
    var line = 1
    private var found: [String: Variable] = [:]
    /// The bytes of all values.
    private var size = 0

    init(rest: ArraySlice<Unicode.Scalar>, file: String) {
      // A carriage return before a line feed is no part of a value.
      var clean: [Unicode.Scalar] = []
      for (index, scalar) in rest.enumerated() {
        let next = rest.dropFirst(index + 1).first
        if scalar != "\r" || next != "\n" { clean.append(scalar) }
      }
      self.rest = clean[...]
      self.file = file
    }

    mutating func variables() throws(InputError) -> [String: Variable] {
      while skipToName() {
        let begin = line
        let name = try name()
        let value = try value(of: name)
        size += value.utf8.count
        if size > SkaffoldEnvironment.longest { throw tooLong(begin) }
        found[name] = Variable(value: value, position: SourcePosition(file: file, line: begin))
      }
      return found
    }

    private func tooLong(_ line: Int) -> InputError {
      failure(
        "the values up to here have more than \(SkaffoldEnvironment.longest >> 20) MiB",
        remedy: "leave out variables that repeat others",
        line: line)
    }

    /// - Returns: false at the end.
    private mutating func skipToName() -> Bool {
      while let first = rest.first {
        if first == "#" {
          skip { $0 != "\n" }
        } else if first.properties.isWhitespace {
          skip { $0.properties.isWhitespace }
        } else {
          return true
        }
      }
      return false
    }

    private mutating func name() throws(InputError) -> String {
      let export = Array("export".unicodeScalars)
      if rest.starts(with: export), let next = rest.dropFirst(export.count).first, Self.isSpace(next) {
        rest = rest.dropFirst(export.count)
        skip(Self.isSpace)
      }
      var name = String.UnicodeScalarView()
      while let scalar = rest.popFirst() {
        if scalar == "=" || scalar == ":" {
          skip(Self.isSpace)
          return Self.trimmed(String(name))
        }
        guard Self.isSpace(scalar) || scalar == "_" || scalar == "." || Self.isLetterOrNumber(scalar) else {
          throw failure(
            scalar == "\n"
              ? "'\(String(name))' has no value" : "a variable's name has no '\(scalar)'",
            remedy: "write NAME=VALUE; a name has letters, digits, '_' and '.'")
        }
        name.append(scalar)
      }
      throw failure("'\(String(name))' has no value", remedy: "write NAME=VALUE")
    }

    private mutating func value(of name: String) throws(InputError) -> String {
      guard let quote = rest.first, quote == "\"" || quote == "'" else {
        let end = rest.firstIndex { $0 == "\n" || $0 == "\r" } ?? rest.endIndex
        let text = rest[..<end]
        rest = rest[end...]
        return try expanded(Self.trimmed(Self.string(Self.withoutComment(text))))
      }
      let begin = line
      var index = rest.index(after: rest.startIndex)
      while index < rest.endIndex, rest[index] != quote || rest[rest.index(before: index)] == "\\" {
        index = rest.index(after: index)
      }
      guard index < rest.endIndex else {
        throw failure("the value of \(name) has no closing \(quote)", remedy: "close it", line: begin)
      }
      // Quotes at both ends are all left out, as that library does.
      var text = rest[..<index].drop { $0 == quote }
      while text.last == quote { text.removeLast() }
      line += rest[...index].count { $0 == "\n" }
      rest = rest[rest.index(after: index)...]
      return quote == "'" ? Self.string(text) : try expanded(Self.unescaped(text), line: begin)
    }

    /// Leaves out a comment behind white space.
    private static func withoutComment(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
      for index in text.indices.dropFirst().reversed() where text[index] == "#" && isSpace(text[index - 1]) {
        return text[..<index]
      }
      return text
    }

    /// `\n` and `\r` become line ends, `\$` stays, of any other pair the second character stays.
    private static func unescaped(_ text: ArraySlice<Unicode.Scalar>) -> String {
      var result = String.UnicodeScalarView()
      var rest = text
      while let scalar = rest.popFirst() {
        guard scalar == "\\", let next = rest.popFirst() else {
          result.append(scalar)
          continue
        }
        switch next {
        case "n": result.append("\n")
        case "r": result.append("\r")
        case "$": result.append(contentsOf: "\\$".unicodeScalars)
        default: result.append(next)
        }
      }
      return String(result)
    }

    /// Replaces `$NAME` and `${NAME}` by the values of earlier lines; `\$` and `$(` lose their first character.
    private func expanded(_ text: String, line: Int? = nil) throws(InputError) -> String {
      var left = SkaffoldEnvironment.longest - size
      var result = String.UnicodeScalarView()
      var rest = Array(text.unicodeScalars)[...]
      while let scalar = rest.popFirst() {
        if scalar == "\\", rest.first == "$" {
          // A name that could follow it stays as it is.
          result.append("$")
          rest = rest.dropFirst()
          continue
        }
        guard scalar == "$" else {
          result.append(scalar)
          continue
        }
        if rest.first == "(" { continue }
        let isBraced = rest.first == "{"
        let name = (isBraced ? rest.dropFirst() : rest).prefix {
          ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
        }
        guard !name.isEmpty else {
          result.append("$")
          continue
        }
        let value = found[Self.string(name)]?.value ?? ""
        left -= value.utf8.count
        guard left >= 0 else { throw tooLong(line ?? self.line) }
        result.append(contentsOf: value.unicodeScalars)
        rest = rest[name.endIndex...]
        if rest.first == "}" { rest = rest.dropFirst() }
      }
      return String(result)
    }

    private mutating func skip(_ matches: (Unicode.Scalar) -> Bool) {
      while let first = rest.first, matches(first) {
        if first == "\n" { line += 1 }
        rest = rest.dropFirst()
      }
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
      [" ", "\t", "\r", "\u{B}", "\u{C}", "\u{85}", "\u{A0}"].contains(scalar)
    }

    private static func isLetterOrNumber(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars)
      return String(view)
    }

    private static func trimmed(_ text: String) -> String {
      var rest = Array(text.unicodeScalars)[...].drop(while: isSpace)
      while let last = rest.last, isSpace(last) { rest.removeLast() }
      return string(rest)
    }

    private func failure(_ message: String, remedy: String, line: Int? = nil) -> InputError {
      InputError(message, at: SourcePosition(file: file, line: line ?? self.line), remedy: remedy)
    }
  }
}
