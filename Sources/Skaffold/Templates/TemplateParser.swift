/// Parses Go's text/template: actions, pipelines, `if`, `with`, `range`, variables and comments.
struct TemplateParser {
  /// A part of a template.
  indirect enum Node: Sendable {
    case text(String)
    case action(Pipeline)
    case conditional(Pipeline, [Node], otherwise: [Node], isWith: Bool)
    case loop(Pipeline, [Node], otherwise: [Node])
  }

  struct Pipeline: Sendable {
    /// `$name := …`; for `range` also `$index, $element := …`.
    var names: [String] = []
    /// True for `=`, which changes a variable.
    var isAssignment = false
    /// Each command's words; a later one gets the earlier one's value as its last argument.
    var commands: [[Operand]]
  }

  indirect enum Operand: Sendable {
    /// `.A.B`; empty for `.`.
    case field([String])
    /// `$name.A`; `$` has an empty name.
    case variable(String, [String])
    case literal(TemplateValue)
    case function(String)
    case pipeline(Pipeline, [String])
  }

  typealias Problem = EnvTemplate.Problem

  private enum Token: Equatable {
    case field([String])
    case variable(String, [String])
    case literal(TemplateValue)
    case word(String)
    /// `|`, `(`, `)`, `,`, `:=`, `=`.
    case sign(String)
    /// `.A` directly behind a parenthesis.
    case suffix([String])
  }

  private enum Piece {
    case text(String)
    case action([Token], String)
  }

  private var pieces: [Piece] = []
  private var next = 0
  private var depth = 0

  private static let mostDepth = 50

  /// - Throws: `Problem` with the part that is wrong.
  static func parse(_ text: String) throws(Problem) -> [Node] {
    var parser = TemplateParser()
    try parser.split(text)
    let (nodes, end) = try parser.nodes(endsAt: [])
    if let end { throw Problem(message: "'{{\(end)}}' without its beginning", remedy: "remove it") }
    return nodes
  }

  // MARK: Pieces

  private mutating func split(_ text: String) throws(Problem) {
    var rest = Substring(text)
    while let open = rest.firstRange(of: "{{") {
      var before = rest[..<open.lowerBound]
      rest = rest[open.upperBound...]
      if rest.hasPrefix("- "), rest.count > 2 { while before.last?.isWhitespace == true { before.removeLast() } }
      pieces.append(.text(String(before)))
      if rest.hasPrefix("- ") { rest = rest.dropFirst(2) }
      if rest.hasPrefix("/*") {
        guard let end = rest.firstRange(of: "*/"), let close = rest[end.upperBound...].firstRange(of: "}}") else {
          throw Problem(message: "'{{' without '}}' in '\(text)'", remedy: "close it")
        }
        let trims = rest[end.upperBound..<close.lowerBound].hasSuffix(" -")
        rest = rest[close.upperBound...]
        if trims { rest = rest.drop { $0.isWhitespace } }
        continue
      }
      guard let (tokens, source) = try Self.tokens(&rest) else {
        throw Problem(message: "'{{' without '}}' in '\(text)'", remedy: "close it")
      }
      pieces.append(.action(tokens, source))
    }
    pieces.append(.text(String(rest)))
  }

  /// Takes an action with its end.
  /// - Returns: nil if it has none.
  private static func tokens(_ rest: inout Substring) throws(Problem) -> (tokens: [Token], source: String)? {
    var tokens: [Token] = []
    let start = rest
    while let first = rest.first {
      if rest.hasPrefix("}}") {
        let source = start[..<rest.startIndex]
        rest = rest.dropFirst(2)
        return (tokens, String(source).trimmed)
      }
      if rest.hasPrefix("-}}"), start[..<rest.startIndex].last?.isWhitespace ?? false {
        let source = start[..<rest.startIndex]
        rest = rest.dropFirst(3).drop { $0.isWhitespace }
        return (tokens, String(source).trimmed)
      }
      if first.isWhitespace {
        rest = rest.dropFirst()
      } else if first == "\"" || first == "`" || first == "'" {
        tokens.append(.literal(try quoted(&rest, first)))
      } else if rest.hasPrefix(":=") {
        rest = rest.dropFirst(2)
        tokens.append(.sign(":="))
      } else if "|(),=".contains(first) {
        rest = rest.dropFirst()
        tokens.append(.sign(String(first)))
      } else {
        let isSuffix = tokens.last == .sign(")") && start[..<rest.startIndex].last == ")"
        var word = rest.prefix { !$0.isWhitespace && !"|(),=\"`".contains($0) && $0 != "}" && $0 != ":" }
        if word.isEmpty { word = rest.prefix(1) }
        rest = rest.dropFirst(word.count)
        tokens.append(try token(word, isSuffix: isSuffix))
      }
    }
    return nil
  }

  private static func token(_ word: Substring, isSuffix: Bool) throws(Problem) -> Token {
    func path(_ text: Substring) throws(Problem) -> [String] {
      let names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard names.allSatisfy({ $0.first != nil && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } }) else {
        throw Problem(message: "'\(word)' is not a variable's name", remedy: "write {{.NAME}}")
      }
      return names
    }
    if word == "." { return .field([]) }
    if word.hasPrefix(".") {
      let names = try path(word.dropFirst())
      return isSuffix ? .suffix(names) : .field(names)
    }
    if word.hasPrefix("$") {
      let parts = word.dropFirst().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts.first ?? "")
      return .variable(name, parts.count > 1 ? try path(parts[1]) : [])
    }
    switch word {
    case "true": return .literal(.bool(true))
    case "false": return .literal(.bool(false))
    case "nil": return .literal(.missing("nil"))
    default: break
    }
    if let number = Int64(word) { return .literal(.int(number)) }
    if word.hasPrefix("0x"), let number = Int64(word.dropFirst(2), radix: 16) { return .literal(.int(number)) }
    if let first = word.first, first.isNumber || first == "-" || first == "+", let number = Double(word) {
      return .literal(.double(number))
    }
    return .word(String(word))
  }

  private static func quoted(_ rest: inout Substring, _ quote: Character) throws(Problem) -> TemplateValue {
    var result = ""
    rest = rest.dropFirst()
    while let character = rest.popFirst() {
      if character == quote {
        // A character is a number in Go.
        guard quote == "'" else { return .string(result) }
        return .int(Int64(result.unicodeScalars.first?.value ?? 0))
      }
      guard character == "\\", quote != "`", let escaped = rest.popFirst() else {
        result.append(character)
        continue
      }
      result.append(["n": "\n", "t": "\t", "r": "\r"][escaped] ?? escaped)
    }
    throw Problem(message: "a quoted text has no end", remedy: "close it with \(quote)")
  }

  // MARK: Nodes

  /// Reads nodes up to one of the words.
  /// - Returns: the nodes, and the action that ended them with what follows its word.
  private mutating func nodes(endsAt words: Set<String>) throws(Problem) -> ([Node], String?) {
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.mostDepth else { throw Self.tooDeep }
    var nodes: [Node] = []
    while next < pieces.count {
      let piece = pieces[next]
      next += 1
      switch piece {
      case .text(let text): if !text.isEmpty { nodes.append(.text(text)) }
      case .action(let tokens, let source):
        guard case .word(let word)? = tokens.first else {
          nodes.append(.action(try pipeline(tokens, source)))
          continue
        }
        switch word {
        case "if", "with": nodes.append(try conditional(Array(tokens.dropFirst()), source, isWith: word == "with"))
        case "range": nodes.append(try loop(Array(tokens.dropFirst()), source))
        case "else", "end":
          guard words.contains(word) else {
            throw Problem(message: "'{{\(source)}}' without its beginning", remedy: "remove it")
          }
          if tokens.count > 1 { next -= 1 }
          return (nodes, source)
        case "define", "template", "block", "break", "continue":
          throw Problem(
            message: "devtunnel does not know the action '\(word)' of templates", remedy: "write it without")
        default: nodes.append(.action(try pipeline(tokens, source)))
        }
      }
    }
    guard words.isEmpty else { throw Problem(message: "a block has no {{end}}", remedy: "close it") }
    return (nodes, nil)
  }

  private static var tooDeep: Problem {
    Problem(message: "the template has more than \(mostDepth) blocks in each other", remedy: "divide it")
  }

  private mutating func conditional(_ tokens: [Token], _ source: String, isWith: Bool) throws(Problem) -> Node {
    let condition = try pipeline(tokens, source)
    let (body, end) = try nodes(endsAt: ["else", "end"])
    var otherwise: [Node] = []
    if let end, end.hasPrefix("else") {
      if end == "else" {
        otherwise = try nodes(endsAt: ["end"]).0
      } else if case .action(let words, _) = pieces[next], case .word(let word)? = words.dropFirst().first,
        word == "if" || word == "with"
      {
        // `else if`: one {{end}} for both.
        next += 1
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.mostDepth else { throw Self.tooDeep }
        otherwise = [try conditional(Array(words.dropFirst(2)), end, isWith: word == "with")]
      } else {
        throw Problem(message: "'{{\(end)}}' is not complete", remedy: "write {{else}} or {{else if …}}")
      }
    }
    return .conditional(condition, body, otherwise: otherwise, isWith: isWith)
  }

  private mutating func loop(_ tokens: [Token], _ source: String) throws(Problem) -> Node {
    let pipeline = try pipeline(tokens, source)
    let (body, end) = try nodes(endsAt: ["else", "end"])
    return .loop(pipeline, body, otherwise: end == "else" ? try nodes(endsAt: ["end"]).0 : [])
  }

  // MARK: Pipelines

  private func pipeline(_ tokens: [Token], _ source: String) throws(Problem) -> Pipeline {
    var rest = tokens[...]
    let result = try Self.pipeline(&rest, source, depth: 0)
    guard rest.isEmpty else { throw Self.incomplete(source) }
    return result
  }

  private static func pipeline(_ rest: inout ArraySlice<Token>, _ source: String, depth: Int) throws(Problem)
    -> Pipeline
  {
    guard depth < mostDepth else { throw incomplete(source) }
    var pipeline = Pipeline(commands: [[]])
    if let (names, sign, count) = declaration(rest) {
      pipeline.names = names
      pipeline.isAssignment = sign == "="
      rest = rest.dropFirst(count)
    }
    while let token = rest.first, token != .sign(")") {
      rest = rest.dropFirst()
      let operand: Operand
      switch token {
      case .sign("|"):
        pipeline.commands.append([])
        continue
      case .sign("("):
        let inner = try self.pipeline(&rest, source, depth: depth + 1)
        guard rest.popFirst() == .sign(")") else { throw incomplete(source) }
        var path: [String] = []
        if case .suffix(let names)? = rest.first {
          path = names
          rest = rest.dropFirst()
        }
        operand = .pipeline(inner, path)
      case .sign, .suffix: throw incomplete(source)
      case .field(let path): operand = .field(path)
      case .variable(let name, let path): operand = .variable(name, path)
      case .literal(let value): operand = .literal(value)
      case .word(let name): operand = .function(name)
      }
      pipeline.commands[pipeline.commands.count - 1].append(operand)
    }
    if pipeline.commands.contains(where: \.isEmpty) { throw incomplete(source) }
    return pipeline
  }

  private static func declaration(_ tokens: ArraySlice<Token>) -> (names: [String], sign: String, count: Int)? {
    var names: [String] = []
    for (index, token) in tokens.enumerated() {
      switch token {
      case .variable(let name, let path) where path.isEmpty && index % 2 == 0: names.append(name)
      case .sign(",") where index % 2 == 1: continue
      case .sign(let sign) where index % 2 == 1 && [":=", "="].contains(sign): return (names, sign, index + 1)
      default: return nil
      }
    }
    return nil
  }

  private static func incomplete(_ source: String) -> Problem {
    Problem(message: "'{{\(source)}}' is not complete", remedy: "write {{.NAME}}")
  }
}
