import Manifests

/// A template as skaffold.yaml files use it for the environment: Go's text/template with Sprig's functions.
///
/// An unset variable that is printed is an error: Skaffold would write `<no value>` into the build.
struct EnvTemplate {
  struct Problem: Error, Hashable {
    var message: String
    var remedy: String
    /// True if a variable of the environment is missing.
    var needsEnvironment = false

    /// Returns it for the user.
    func error(at position: SourcePosition?, field: String?) -> Diagnostic {
      var diagnostic = Diagnostic(.error, message, at: position, field: field, remedy: remedy)
      diagnostic.needsEnvironment = needsEnvironment
      return diagnostic
    }
  }

  private let nodes: [TemplateParser.Node]

  init(_ text: String) throws(Problem) { nodes = try TemplateParser.parse(text) }

  /// - Parameter commands: runs programs for `cmd`; nil: they are refused.
  /// - Throws: `Problem` for an unset variable and an unknown function.
  func expanded(_ environment: [String: String], commands: TemplateCommands? = nil) throws(Problem) -> String {
    var run = TemplateRun(environment: environment, commands: commands)
    try run.put(nodes, .dictionary(environment.mapValues(TemplateValue.string)))
    return run.output
  }

  /// No value of a function is longer, in bytes.
  static let longest = 64 << 10
  /// No value has more lists and dictionaries in each other.
  static let deepest = 100
  /// In bytes: as much as a whole skaffold.yaml may have.
  static let longestText = 1 << 20
}

/// One evaluation of a template.
private struct TemplateRun {
  typealias Problem = EnvTemplate.Problem
  typealias Pipeline = TemplateParser.Pipeline

  let environment: [String: String]
  let commands: TemplateCommands?
  var output = ""
  /// The innermost last.
  private var scopes: [[String: TemplateValue]] = [[:]]
  private var steps = 0

  private static let mostSteps = 100_000

  init(environment: [String: String], commands: TemplateCommands?) {
    self.environment = environment
    self.commands = commands
    scopes[0][""] = .dictionary(environment.mapValues(TemplateValue.string))
  }

  mutating func put(_ nodes: [TemplateParser.Node], _ dot: TemplateValue) throws(Problem) {
    for node in nodes {
      switch node {
      case .text(let text): try write(text)
      case .action(let pipeline):
        let value = try value(pipeline, dot)
        guard pipeline.names.isEmpty else { continue }
        if case .missing(let name) = value {
          throw Problem(
            message: "the variable \(name) is not set",
            remedy: "set it in the environment or in skaffold.env, or give a value for when it is not: "
              + "{{.\(name) | default \"…\"}}", needsEnvironment: !name.hasPrefix("IMAGE_"))
        }
        try write(value.text)
      case .conditional(let condition, let body, let otherwise, let isWith):
        scopes.append([:])
        let value = try value(condition, dot)
        try put(value.isTrue ? body : otherwise, value.isTrue && isWith ? value : dot)
        scopes.removeLast()
      case .loop(let pipeline, let body, let otherwise): try loop(pipeline, body, otherwise, dot)
      }
    }
  }

  private mutating func write(_ text: String) throws(Problem) {
    output += text
    guard output.utf8.count <= EnvTemplate.longestText else {
      throw Problem(
        message: "the template makes a text of more than \(EnvTemplate.longestText >> 20) MiB",
        remedy: "make it shorter")
    }
  }

  private mutating func loop(
    _ pipeline: Pipeline, _ body: [TemplateParser.Node], _ otherwise: [TemplateParser.Node], _ dot: TemplateValue
  ) throws(Problem) {
    var silent = pipeline
    silent.names = []
    let value = try value(silent, dot)
    let entries: [(TemplateValue, TemplateValue)] =
      switch value {
      case .list(let elements): elements.enumerated().map { (.int(Int64($0)), $1) }
      case .dictionary(let members): members.sorted { $0.key < $1.key }.map { (.string($0.key), $0.value) }
      case .missing: []
      default:
        throw Problem(message: "range needs a list, and '\(value.text)' is none", remedy: "give it a list, or a dict")
      }
    if entries.isEmpty { return try put(otherwise, dot) }
    for (key, element) in entries {
      try spend(1)
      scopes.append([:])
      if let last = pipeline.names.last { scopes[scopes.count - 1][last] = element }
      if pipeline.names.count > 1 { scopes[scopes.count - 1][pipeline.names[0]] = key }
      try put(body, element)
      scopes.removeLast()
    }
  }

  // MARK: Values

  private mutating func value(_ pipeline: Pipeline, _ dot: TemplateValue) throws(Problem) -> TemplateValue {
    var result: TemplateValue?
    for command in pipeline.commands { result = try value(command, piped: result, dot) }
    let value = result ?? .missing("nil")
    for name in pipeline.names {
      let scope = pipeline.isAssignment ? scopes.lastIndex { $0[name] != nil } : scopes.count - 1
      guard let scope else { throw Self.unknown(name) }
      scopes[scope][name] = value
    }
    return value
  }

  private static func unknown(_ name: String) -> Problem {
    Problem(message: "the template has no variable $\(name)", remedy: "declare it: {{$\(name) := …}}")
  }

  private mutating func value(_ command: [TemplateParser.Operand], piped: TemplateValue?, _ dot: TemplateValue)
    throws(Problem) -> TemplateValue
  {
    try spend(1)
    guard case .function(let name) = command[0] else {
      guard command.count == 1, piped == nil else {
        throw Problem(message: "a value takes no arguments", remedy: "begin with a function: {{lower .NAME}}")
      }
      return try operand(command[0], dot)
    }
    // These look at no more than they need.
    if name == "and" || name == "or" {
      var result = TemplateValue.missing("nil")
      for word in command.dropFirst() {
        result = try operand(word, dot)
        if result.isTrue != (name == "and") { return result }
      }
      return piped ?? result
    }
    var arguments: [TemplateValue] = []
    for word in command.dropFirst() { arguments.append(try operand(word, dot)) }
    if let piped { arguments.append(piped) }
    switch name {
    case "env": return .string(environment[arguments.first?.text ?? ""] ?? "")
    case "expandenv": return .string(expandEnvironment(arguments.first?.text ?? ""))
    case "cmd":
      guard let commands, let first = arguments.first else {
        throw Problem(message: "the template function 'cmd' cannot be used here", remedy: "use a variable")
      }
      return .string(try commands.run(first.text, arguments.dropFirst().map(\.text)))
    default:
      let result = try TemplateFunctions.call(name, arguments)
      // Long values take time and memory.
      try spend(result.size >> 10)
      return result
    }
  }

  private mutating func spend(_ count: Int) throws(Problem) {
    steps += count
    guard steps < Self.mostSteps else {
      throw Problem(message: "the template takes more than \(Self.mostSteps) steps", remedy: "make it shorter")
    }
  }

  private mutating func operand(_ operand: TemplateParser.Operand, _ dot: TemplateValue) throws(Problem)
    -> TemplateValue
  {
    switch operand {
    case .literal(let value): return value
    case .field(let path): return try Self.member(path, of: dot)
    case .variable(let name, let path):
      guard let value = scopes.last(where: { $0[name] != nil })?[name] else { throw Self.unknown(name) }
      return try Self.member(path, of: value)
    case .pipeline(let pipeline, let path): return try Self.member(path, of: try value(pipeline, dot))
    case .function(let name):
      // A function without arguments is a value.
      if TemplateFunctions.takesNothing(name) { return try TemplateFunctions.call(name, []) }
      throw Problem(
        message: "'\(name)' cannot be an argument", remedy: "quote a text, and write a variable as .\(name)")
    }
  }

  private static func member(_ path: [String], of value: TemplateValue) throws(Problem) -> TemplateValue {
    var value = value
    for (index, name) in path.enumerated() {
      switch value {
      case .dictionary(let members): value = members[name] ?? .missing(path[...index].joined(separator: "."))
      case .missing: return value
      default:
        throw Problem(message: "'.\(path.joined(separator: "."))' is not a variable's name", remedy: "write {{.NAME}}")
      }
    }
    return value
  }

  /// As a shell: `$NAME` and `${NAME}`.
  private func expandEnvironment(_ text: String) -> String {
    var result = ""
    var rest = Substring(text)
    while let character = rest.popFirst() {
      guard character == "$" else {
        result.append(character)
        continue
      }
      let isBraced = rest.first == "{"
      let name = (isBraced ? rest.dropFirst() : rest).prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      result += environment[String(name)] ?? ""
      rest = rest[name.endIndex...]
      if isBraced, rest.first == "}" { rest = rest.dropFirst() }
    }
    return result
  }
}

extension String {
  /// The text without white space at both ends.
  var trimmed: String {
    var rest = drop { $0.isWhitespace }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
