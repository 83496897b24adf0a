import ArgumentParser
import ControlAPI
import FoundationEssentials
import HTTPMessages

/// The requests that a personal intercept, or a mirror, takes.
struct RuleArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Take only requests that are marked with your user's name, or with NAME: by header x-devtunnel: NAME, or by \
      baggage devtunnel=NAME.
      """, valueName: "name"),
    transform: checked(Self.personalName))
  var personal: String?

  @Option(
    help: ArgumentHelp(
      "Take only requests with this header; * in a value is any text. All such options must hold.",
      valueName: "name=value"),
    transform: checked(RuleTerm.header))
  var header: [RuleTerm] = []

  @Option(
    help: ArgumentHelp("Take only requests for this path, such as '/api/*'.", valueName: "path"),
    transform: checked(RuleTerm.path))
  var path: [RuleTerm] = []

  @Option(
    help: ArgumentHelp("Take only requests with this method.", valueName: "method"), transform: checked(RuleTerm.method)
  )
  var method: [RuleTerm] = []

  @Option(
    help: ArgumentHelp("Take only requests with this parameter in their query.", valueName: "name=value"),
    transform: checked(RuleTerm.query))
  var query: [RuleTerm] = []

  @Option(
    help: ArgumentHelp("Take only requests with this cookie.", valueName: "name=value"),
    transform: checked(RuleTerm.cookie))
  var cookie: [RuleTerm] = []

  @Option(
    help: ArgumentHelp(
      "Take only calls of this gRPC service, or of one of its methods.", valueName: "package.Service[/Method]"),
    transform: checked(RuleTerm.grpc))
  var grpc: [RuleTerm] = []

  @Option(
    help: ArgumentHelp(
      "Take only requests with this member of the W3C baggage, which instrumented services pass on.",
      valueName: "name=value"),
    transform: checked(RuleTerm.baggage))
  var baggage: [RuleTerm] = []

  @Option(
    help: ArgumentHelp(
      """
      Take only connections with TLS to this server, such as api.shop or '*.shop': your process ends the TLS, since \
      nobody else sees their requests.
      """, valueName: "name"),
    transform: checked(RuleTerm.sni))
  var sni: [RuleTerm] = []

  @Flag(help: "One of these options is enough, instead of all; --personal is always needed where it is given.")
  var any = false

  func validate() throws {
    do throws(ControlError) { _ = try make() } catch {
      throw ValidationError([error.message, error.remedy].compactMap(\.self).joined(separator: ": "))
    }
  }

  /// The requests to take, as `validate` has checked; nil for all that arrives.
  var rules: RequestRules? { (try? make()) ?? nil }

  /// The rules; for a mirror those that copy what they choose, or all that arrives. Nil for all that arrives, and for
  /// a mirror with more or longer rules than there may be.
  func rules(mirror: Bool) -> RequestRules? {
    guard mirror else { return rules }
    guard let some = rules else { return .mirror }
    return some.mirrored
  }

  /// Checks that the rules of a mirror are not too many, or too long.
  func checkMirror() throws {
    guard rules(mirror: true) == nil else { return }
    throw ValidationError("the rules of this mirror are too many, or too long")
  }

  private func make() throws(ControlError) -> RequestRules? {
    let terms = header + path + method + query + cookie + grpc + baggage + sni
    guard personal != nil || !terms.isEmpty else {
      guard any else { return nil }
      throw ControlError(.badInput, "--any has nothing to choose from", remedy: "add options such as --path '/api/*'")
    }
    if !sni.isEmpty, personal != nil || !any && terms.count > sni.count {
      throw ControlError(
        .badInput,
        "--sni is about connections with TLS, whose requests the agent cannot read: no other condition can hold",
        remedy: "leave out the others; with --any, and without --personal, each may be the one that holds")
    }
    if !any { try Self.refuseContradiction(terms.flatMap(\.conditions)) }
    let alternatives = terms.isEmpty ? [[]] : any ? terms.map(\.conditions) : [terms.flatMap(\.conditions)]
    let marks: [[Condition]] =
      personal.map { name in
        let value = TextPattern(exactly: Array(name.utf8))
        return [
          [Condition(.header, name: Array("x-devtunnel".utf8), value: value)],
          [Condition(.baggage, name: Array("devtunnel".utf8), value: value)],
        ]
      } ?? [[]]
    return try RequestRules(marks.flatMap { mark in alternatives.map { RequestRule(mark + $0) } })
  }

  /// Refuses conditions on a part that each request has once, which no request can meet together.
  private static func refuseContradiction(_ conditions: [Condition]) throws(ControlError) {
    func find(_ subject: Condition.Subject, _ name: String = "") -> [(summary: String, value: TextPattern)] {
      conditions.filter { $0.subject == subject && $0.name == Array(name.utf8) }
        .compactMap { one in one.value.map { (RequestRule([one]).summary, $0) } }
    }
    var methods = find(.method)
    if find(.header, "content-type").contains(where: { $0.value.text.starts(with: "application/grpc".utf8) }) {
      methods.append(("method POST, which gRPC uses", TextPattern(exactly: Array("POST".utf8))))
    }
    for group in [methods, find(.path), find(.sni), find(.header, "host"), find(.header, "content-type")] {
      for (index, one) in group.enumerated() {
        guard let other = group[..<index].first(where: { $0.value.excludes(one.value) }) else { continue }
        throw ControlError(
          .badInput, "no request has both \(other.summary) and \(one.summary)", remedy: "--any takes those with either")
      }
    }
  }

  // MARK: The user's name

  /// Adds a value to a `--personal` without a name, since the parser would take the next word for it.
  static func completed(_ arguments: some Sequence<String>) -> [String] {
    var isOver = false
    return arguments.map { argument in
      isOver = isOver || argument == "--"
      return argument == "--personal" && !isOver ? "--personal=@" : argument
    }
  }

  static func personalName(_ text: String) throws(ControlError) -> String {
    let process = ProcessInfo.processInfo
    let name = text == "@" ? process.environment["USER"] ?? process.userName : text
    guard !name.isEmpty, name.utf8.count <= 128, name.utf8.allSatisfy(\.isTokenByte) else {
      throw ControlError(
        .badInput,
        text == "@"
          ? "this machine's user has no name that a header can carry: write --personal=NAME"
          : "the name is one word of letters, digits and marks such as - . _")
    }
    return name
  }
}

/// An option that says which requests are meant.
struct RuleTerm: Hashable {
  /// The conditions, which must hold together.
  var conditions: [Condition]

  static func header(_ text: String) throws(ControlError) -> RuleTerm {
    let (name, value) = try parts(text, "NAME=VALUE, such as x-user=alice")
    guard name.allSatisfy(\.isTokenByte) else {
      throw ControlError(.badInput, "write NAME=VALUE, such as x-user=alice: a header's name is one word")
    }
    if let value, value.first == 0x20 || value.last == 0x20 {
      throw ControlError(.badInput, "the value begins or ends with a blank, which no header's value does")
    }
    return RuleTerm(conditions: [Condition(.header, name: name, value: try pattern(value))])
  }

  static func path(_ text: String) throws(ControlError) -> RuleTerm {
    guard text.hasPrefix("/") || text.hasPrefix("*") else {
      throw ControlError(.badInput, "a path begins with /, such as /api/*")
    }
    guard !text.contains(where: { "?# ".contains($0) }) else {
      throw ControlError(.badInput, "a path has no ?, # or blank: --query NAME=VALUE is for its query")
    }
    return RuleTerm(conditions: [Condition(.path, value: try pattern(Array(text.utf8)))])
  }

  static func method(_ text: String) throws(ControlError) -> RuleTerm {
    let usual = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
    let word = usual.contains(text.uppercased()) ? text.uppercased() : text
    guard !word.isEmpty, word.utf8.allSatisfy(\.isTokenByte) else {
      throw ControlError(.badInput, "a method is one word, such as GET")
    }
    return RuleTerm(conditions: [Condition(.method, value: try pattern(Array(word.utf8)))])
  }

  static func query(_ text: String) throws(ControlError) -> RuleTerm {
    let (name, value) = try parts(text, "NAME=VALUE, such as user=42")
    return RuleTerm(conditions: [Condition(.query, name: name, value: try pattern(value))])
  }

  static func cookie(_ text: String) throws(ControlError) -> RuleTerm {
    let (name, value) = try parts(text, "NAME=VALUE, such as session=abc*")
    guard name.allSatisfy(\.isTokenByte), value?.contains(0x3b) != true else {
      throw ControlError(.badInput, "write NAME=VALUE, such as session=abc*, and each cookie by itself")
    }
    return RuleTerm(conditions: [Condition(.cookie, name: name, value: try pattern(value))])
  }

  static func baggage(_ text: String) throws(ControlError) -> RuleTerm {
    let (name, value) = try parts(text, "NAME=VALUE, such as tenant=blue")
    guard name.allSatisfy(\.isTokenByte) else {
      throw ControlError(.badInput, "write NAME=VALUE, such as tenant=blue: the name is one word")
    }
    return RuleTerm(conditions: [Condition(.baggage, name: name, value: try pattern(value))])
  }

  static func sni(_ text: String) throws(ControlError) -> RuleTerm {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 == 0x2a || $0 == 0x2d || $0 == 0x2e || isIdentifier($0) }) else {
      throw ControlError(.badInput, "write the name of a server, such as api.shop or *.shop")
    }
    return RuleTerm(conditions: [Condition(.sni, value: try pattern(Array(text.lowercased().utf8)))])
  }

  static func grpc(_ text: String) throws(ControlError) -> RuleTerm {
    let names = text.split(separator: "/", omittingEmptySubsequences: false).drop { $0.isEmpty }
    guard (1...2).contains(names.count), names.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isIdentifier) }) else {
      throw ControlError(.badInput, "write package.Service or package.Service/Method, such as shop.Users/Get")
    }
    let path = "/\(names[names.startIndex])/\(names.count == 2 ? names[names.startIndex + 1] : "*")"
    return RuleTerm(conditions: [
      Condition(.path, value: try pattern(Array(path.utf8))),
      Condition(
        .header, name: Array("content-type".utf8), value: try pattern(Array("application/grpc*".utf8))),
    ])
  }

  // MARK: Texts

  /// Splits at the first `=`; without one, there is no value.
  private static func parts(_ text: String, _ form: String) throws(ControlError) -> (name: [UInt8], value: [UInt8]?) {
    let parts = text.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first, !name.isEmpty, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
      throw ControlError(.badInput, "write \(form)")
    }
    return (Array(name), parts.count == 2 ? Array(parts[1]) : nil)
  }

  private static func pattern(_ text: [UInt8]?) throws(ControlError) -> TextPattern? {
    guard let text else { return nil }
    guard let pattern = TextPattern(text) else {
      throw ControlError(
        .badInput, "a backslash may precede only a star or a backslash: \\* is a star, \\\\ is a backslash")
    }
    return pattern
  }

  private static func isIdentifier(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x2e, 0x2a: true
    default: false
    }
  }
}
