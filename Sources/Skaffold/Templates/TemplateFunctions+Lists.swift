extension TemplateFunctions {
  private static func list(
    _ name: String, _ count: Int, at place: Int = 0,
    _ body: @escaping @Sendable ([Value], [Value]) throws(Problem) -> Value
  ) -> (String, Function) {
    (
      name,
      Function(count: count...count) { values throws(Problem) in
        guard let elements = values[place].elements else { throw wrong(name, values[place], "a list") }
        return try body(elements, values)
      }
    )
  }

  private static func named(_ functions: [(String, Function)]) -> [String: Function] {
    Dictionary(functions) { $1 }
  }

  static let lists: [String: Function] = named([
    ("list", Function(count: 0...64, takesMissing: true) { .list($0) }),
    ("tuple", Function(count: 0...64, takesMissing: true) { .list($0) }),
    (
      "split",
      Function(count: 2...2) { values in
        let parts = separated(values[1].text, values[0].text)
        return .dictionary(Dictionary(parts.enumerated().map { ("_\($0)", .string($1)) }) { $1 })
      }
    ),
    ("splitList", Function(count: 2...2) { .list(separated($0[1].text, $0[0].text).map(Value.string)) }),
    (
      "splitn",
      Function(count: 3...3) { values in
        let most = Int(clamping: values[1].int)
        var parts = separated(values[2].text, values[0].text)
        if most > 0, parts.count > most {
          parts = parts.prefix(most - 1) + [parts.dropFirst(most - 1).joined(separator: values[0].text)]
        }
        return .dictionary(Dictionary(parts.enumerated().map { ("_\($0)", .string($1)) }) { $1 })
      }
    ),
    (
      "join",
      Function(count: 2...2) { values throws(Problem) in
        .string(try joined("join", (values[1].elements ?? [values[1]]).map(\.text), values[0].text))
      }
    ),
    ("toStrings", Function(count: 1...1) { .list(($0[0].elements ?? [$0[0]]).map { .string($0.text) }) }),
    ("sortAlpha", Function(count: 1...1) { .list(($0[0].elements ?? [$0[0]]).map(\.text).sorted().map(Value.string)) }),
    list("first", 1) { elements, _ in elements.first ?? .missing("nil") },
    list("last", 1) { elements, _ in elements.last ?? .missing("nil") },
    list("rest", 1) { elements, _ in .list(Array(elements.dropFirst())) },
    list("initial", 1) { elements, _ in .list(Array(elements.dropLast())) },
    list("reverse", 1) { elements, _ in .list(elements.reversed()) },
    list("uniq", 1) { elements, _ in
      var seen: Set<Value> = []
      return .list(elements.filter { seen.insert($0).inserted })
    },
    list("compact", 1) { elements, _ in .list(elements.filter(\.isTrue)) },
    list("append", 2) { elements, values in .list(elements + [values[1]]) },
    list("prepend", 2) { elements, values in .list([values[1]] + elements) },
    list("has", 2, at: 1) { elements, values in .bool(elements.contains(values[0])) },
    (
      "without",
      Function(count: 1...64) { values throws(Problem) in
        guard let elements = values[0].elements else { throw wrong("without", values[0], "a list") }
        return .list(elements.filter { !values.dropFirst().contains($0) })
      }
    ),
    (
      "concat",
      Function(count: 0...64) { values throws(Problem) in
        var all: [Value] = []
        for value in values {
          guard let elements = value.elements else { throw wrong("concat", value, "lists") }
          all += elements
        }
        return .list(all)
      }
    ),
  ])

  /// Checks the length before it makes the text.
  static func joined(_ name: String, _ texts: [String], _ separator: String) throws(Problem) -> String {
    // Both are in memory, so that their product is no more than a number can be.
    let size = texts.reduce(max(0, texts.count - 1) * separator.utf8.count) { $0 + $1.utf8.count }
    guard size <= EnvTemplate.longest else { throw tooLong(name) }
    return texts.joined(separator: separator)
  }

  private static func separated(_ text: String, _ separator: String) -> [String] {
    separator.isEmpty
      ? text.map { String($0) } : text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
  }

  // MARK: Dictionaries

  private static func dictionary(
    _ name: String, _ count: ClosedRange<Int>, at place: Int = 0,
    _ body: @escaping @Sendable ([String: Value], [Value]) -> Value
  ) -> (String, Function) {
    (
      name,
      Function(count: count) { values throws(Problem) in
        guard let members = values[place].members else { throw wrong(name, values[place], "a dict") }
        return body(members, values)
      }
    )
  }

  static let dictionaries: [String: Function] = named([
    (
      "dict",
      Function(count: 0...64, takesMissing: true) { values in
        var members: [String: Value] = [:]
        for place in stride(from: 0, to: values.count, by: 2) {
          members[values[place].text] = place + 1 < values.count ? values[place + 1] : .string("")
        }
        return .dictionary(members)
      }
    ),
    dictionary("set", 3...3) { members, values in .dictionary(members.merging([values[1].text: values[2]]) { $1 }) },
    dictionary("unset", 2...2) { members, values in .dictionary(members.filter { $0.key != values[1].text }) },
    dictionary("hasKey", 2...2) { members, values in .bool(members[values[1].text] != nil) },
    dictionary("keys", 1...1) { members, _ in .list(members.keys.sorted().map(Value.string)) },
    dictionary("values", 1...1) { members, _ in .list(members.sorted { $0.key < $1.key }.map(\.value)) },
    dictionary("pick", 1...64) { members, values in
      let names = Set(values.dropFirst().map(\.text))
      return .dictionary(members.filter { names.contains($0.key) })
    },
    dictionary("omit", 1...64) { members, values in
      let names = Set(values.dropFirst().map(\.text))
      return .dictionary(members.filter { !names.contains($0.key) })
    },
    (
      "pluck",
      Function(count: 1...64) { values in .list(values.dropFirst().compactMap { $0.members?[values[0].text] }) }
    ),
    dictionary("merge", 1...64) { members, values in
      .dictionary(values.dropFirst().reduce(members) { $0.merging($1.members ?? [:]) { old, _ in old } })
    },
    dictionary("mergeOverwrite", 1...64) { members, values in
      .dictionary(values.dropFirst().reduce(members) { $0.merging($1.members ?? [:]) { $1 } })
    },
    ("deepCopy", Function(count: 1...1) { $0[0] }),
  ])
}
