import KubeObjects

extension YAMLNode {
  /// Returns the mapping's members in the file's order.
  /// - Throws: `InputError` for anything but a mapping.
  public func members() throws(InputError) -> [Member] {
    guard case .mapping(let members) = content else {
      throw expected("a mapping of keys to values", "write KEY: VALUE lines")
    }
    return members
  }

  /// - Throws: `InputError` for anything but a list.
  public func elements() throws(InputError) -> [YAMLNode] {
    guard case .sequence(let elements) = content else { throw expected("a list", "begin each element with '- '") }
    return elements
  }

  /// Returns a scalar's text, of any type: `8080` is "8080".
  /// - Throws: `InputError` for a list or a mapping.
  public func string() throws(InputError) -> String {
    guard case .scalar(let text, _) = content, !isNull else { throw expected("a string", "write one value") }
    return text
  }

  public func strings() throws(InputError) -> [String] {
    var strings: [String] = []
    for element in try elements() { strings.append(try element.string()) }
    return strings
  }

  /// - Throws: `InputError` for anything but true and false.
  public func bool() throws(InputError) -> Bool {
    guard case .scalar(let text, true) = content, let bool = YAMLScalar.bool(text) else {
      throw expected("true or false", "write true or false, without quotes")
    }
    return bool
  }

  /// - Throws: `InputError` for anything but a whole number.
  public func int() throws(InputError) -> Int {
    guard case .scalar(let text, true) = content, let int = YAMLScalar.value(text).intValue else {
      throw expected("a whole number", "write a number, without quotes")
    }
    return int
  }

  private func expected(_ what: String, _ remedy: String) -> InputError {
    let found =
      switch content {
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .scalar(let text, _): isNull ? "nothing" : "'\(text)'"
      }
    return InputError([error("\(what) is expected here, not \(found)", remedy: remedy)])
  }

  /// A member that exists and is not null; nil for anything but a mapping.
  public subscript(key: String) -> YAMLNode? {
    guard case .mapping(let members) = content, let value = members.last(where: { $0.key == key })?.value, !value.isNull
    else { return nil }
    return value
  }

  /// The value as JSON, plain scalars by kubectl's rules.
  public var json: JSONValue {
    switch content {
    case .scalar(let text, let isPlain): isPlain ? YAMLScalar.value(text) : .string(text)
    case .sequence(let elements): .array(elements.map(\.json))
    case .mapping(let members): .object(Dictionary(members.map { ($0.key, $0.value.json) }, uniquingKeysWith: { $1 }))
    }
  }

  /// Returns an error at this node.
  public func error(_ message: String, remedy: String? = nil) -> Diagnostic {
    Diagnostic(.error, message, at: position, field: path, remedy: remedy)
  }

  /// Returns a warning at this node.
  public func warning(_ message: String, remedy: String? = nil) -> Diagnostic {
    Diagnostic(.warning, message, at: position, field: path, remedy: remedy)
  }
}
