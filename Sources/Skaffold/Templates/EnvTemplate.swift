/// The part of Go's text/template that skaffold.yaml files use for the environment: `{{.NAME}}`,
/// literals, pipes, and a few of Sprig's functions.
///
/// An unset variable without a `default` is an error: Skaffold would write `<no value>` into the build.
struct EnvTemplate {
  struct Problem: Error, Hashable {
    var message: String
    var remedy: String
  }

  private enum Piece {
    case text(String)
    /// Each command's words; a later one gets the earlier one's value as its last argument.
    case pipeline([[Word]])
  }

  private enum Word: Equatable {
    case variable(String)
    case literal(String)
    case name(String)
  }

  private var pieces: [Piece] = []
  /// In bytes: as much as a whole skaffold.yaml may have.
  private static let longest = 1 << 20

  init(_ text: String) throws(Problem) {
    var rest = Substring(text)
    while let open = rest.firstRange(of: "{{") {
      var before = rest[..<open.lowerBound]
      rest = rest[open.upperBound...]
      guard let close = rest.firstRange(of: "}}") else {
        throw Problem(message: "'{{' without '}}' in '\(text)'", remedy: "close it")
      }
      var action = rest[..<close.lowerBound]
      rest = rest[close.upperBound...]
      if action.hasPrefix("- ") {
        action = action.dropFirst(2)
        while before.last?.isWhitespace == true { before.removeLast() }
      }
      if action.hasSuffix(" -") {
        action = action.dropLast(2)
        rest = rest.drop { $0.isWhitespace }
      }
      pieces.append(.text(String(before)))
      if !action.hasPrefix("/*") { pieces.append(.pipeline(try Self.parse(action))) }
    }
    pieces.append(.text(String(rest)))
  }

  /// - Throws: `Problem` for an unset variable and an unknown function.
  func expanded(_ environment: [String: String]) throws(Problem) -> String {
    var result = ""
    for piece in pieces {
      switch piece {
      case .text(let text): result += text
      case .pipeline(let commands):
        var value: String?
        for (index, command) in commands.enumerated() {
          value = try Self.run(command, piped: index > 0 ? .some(value) : .none, environment)
        }
        guard let value else {
          let names = commands.joined().compactMap { if case .variable(let name) = $0 { name } else { nil } }
          let unset = names.first { environment[$0] == nil } ?? ""
          throw Problem(
            message: "the variable \(unset) is not set",
            remedy: "set it in the environment, or give a value for when it is not: {{.\(unset) | default \"…\"}}")
        }
        result += value
      }
      guard result.utf8.count <= Self.longest else {
        throw Problem(
          message: "the template makes a text of more than \(Self.longest >> 20) MiB", remedy: "make it shorter")
      }
    }
    return result
  }

  private static func parse(_ action: Substring) throws(Problem) -> [[Word]] {
    var commands: [[Word]] = [[]]
    var rest = action
    while let first = rest.first {
      if first.isWhitespace {
        rest = rest.dropFirst()
      } else if first == "|" {
        rest = rest.dropFirst()
        commands.append([])
      } else if first == "\"" || first == "`" {
        let literal = try quoted(&rest, first)
        commands[commands.count - 1].append(.literal(literal))
      } else {
        let word = rest.prefix { !$0.isWhitespace && $0 != "|" }
        rest = rest.dropFirst(word.count)
        commands[commands.count - 1].append(try self.word(word))
      }
    }
    if commands.contains(where: \.isEmpty) {
      throw Problem(message: "'{{\(action)}}' is not complete", remedy: "write {{.NAME}}")
    }
    return commands
  }

  private static func word(_ word: Substring) throws(Problem) -> Word {
    if word.hasPrefix(".") {
      let name = word.dropFirst()
      guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
        throw Problem(message: "'\(word)' is not a variable's name", remedy: "write {{.NAME}}")
      }
      return .variable(String(name))
    }
    return Int(word) != nil ? .literal(String(word)) : .name(String(word))
  }

  private static func quoted(_ rest: inout Substring, _ quote: Character) throws(Problem) -> String {
    var result = ""
    rest = rest.dropFirst()
    while let character = rest.popFirst() {
      if character == quote { return result }
      guard character == "\\", quote == "\"", let escaped = rest.popFirst() else {
        result.append(character)
        continue
      }
      result.append(["n": "\n", "t": "\t", "r": "\r"][escaped] ?? escaped)
    }
    throw Problem(message: "a quoted text has no end", remedy: "close it with \(quote)")
  }

  /// - Returns: nil for a variable that is not set.
  private static func run(_ command: [Word], piped: String??, _ environment: [String: String]) throws(Problem)
    -> String?
  {
    func value(_ word: Word) throws(Problem) -> String? {
      switch word {
      case .literal(let text): return text
      case .variable(let name): return environment[name]
      case .name(let name):
        throw Problem(
          message: "'\(name)' cannot be an argument", remedy: "quote a text, and write a variable as .\(name)")
      }
    }
    guard case .name(let function) = command[0] else {
      guard command.count == 1, piped == nil else {
        throw Problem(message: "a value takes no arguments", remedy: "begin with a function: {{lower .NAME}}")
      }
      return try value(command[0])
    }
    var arguments: [String?] = []
    for word in command.dropFirst() { arguments.append(try value(word)) }
    if let piped { arguments.append(piped) }
    return try TemplateFunctions.call(function, arguments)
  }
}
