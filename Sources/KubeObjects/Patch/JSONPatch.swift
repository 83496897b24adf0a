/// A JSON Patch (RFC 6902): operations that are applied in order, all or none.
public struct JSONPatch: Sendable, Hashable {
  public enum Operation: Sendable, Hashable {
    case add(JSONPointer, JSONValue)
    case remove(JSONPointer)
    case replace(JSONPointer, JSONValue)
    case move(from: JSONPointer, JSONPointer)
    case copy(from: JSONPointer, JSONPointer)
    case test(JSONPointer, JSONValue)
  }

  public var operations: [Operation]

  /// The size of all that a patch may copy, in bytes of text and values, as the API server has it. Some dozens of
  /// operations that copy the document into itself would double it each time.
  static let copyLimit = 3 << 20

  public init(_ operations: [Operation]) { self.operations = operations }

  /// Reads the patch document.
  /// - Throws: `PatchError` with code `malformed` and the operation's index.
  public init(parsing document: JSONValue) throws(PatchError) {
    guard let list = document.arrayValue else { throw PatchError(.malformed, "a JSON patch is an array of operations") }
    operations = []
    for (index, entry) in list.enumerated() {
      do { operations.append(try Self.operation(entry)) } catch { throw error.at(index) }
    }
  }

  private static func operation(_ entry: JSONValue) throws(PatchError) -> Operation {
    func pointer(_ member: String) throws(PatchError) -> JSONPointer {
      guard let text = entry[member]?.stringValue else { throw PatchError(.malformed, "'\(member)' is missing") }
      return try JSONPointer(parsing: text)
    }
    func value() throws(PatchError) -> JSONValue {
      guard let value = entry["value"] else { throw PatchError(.malformed, "'value' is missing") }
      return value
    }
    let path = try pointer("path")
    switch entry["op"]?.stringValue {
    case "add": return .add(path, try value())
    case "remove": return .remove(path)
    case "replace": return .replace(path, try value())
    case "move": return .move(from: try pointer("from"), path)
    case "copy": return .copy(from: try pointer("from"), path)
    case "test": return .test(path, try value())
    case let other:
      throw PatchError(
        .malformed, "'\(other ?? "no op")' is not an operation: add, remove, replace, move, copy or test")
    }
  }

  /// The patch document in its sent form.
  public var json: JSONValue {
    .array(
      operations.map { operation in
        switch operation {
        case .add(let path, let value): ["op": "add", "path": JSONValue(path.description), "value": value]
        case .remove(let path): ["op": "remove", "path": JSONValue(path.description)]
        case .replace(let path, let value): ["op": "replace", "path": JSONValue(path.description), "value": value]
        case .move(let from, let path):
          ["op": "move", "from": JSONValue(from.description), "path": JSONValue(path.description)]
        case .copy(let from, let path):
          ["op": "copy", "from": JSONValue(from.description), "path": JSONValue(path.description)]
        case .test(let path, let value): ["op": "test", "path": JSONValue(path.description), "value": value]
        }
      })
  }
}

extension JSONValue {
  /// Returns the document with a JSON Patch applied (RFC 6902).
  /// - Throws: `PatchError` naming the operation that failed.
  public func applying(jsonPatch patch: JSONPatch) throws(PatchError) -> JSONValue {
    var document = self
    var copies = JSONPatch.copyLimit
    for (index, operation) in patch.operations.enumerated() {
      do { try document.apply(operation, copies: &copies) } catch { throw error.at(index) }
    }
    return document
  }

  /// Returns the document with a patch applied that is still a document.
  public func applying(jsonPatch patch: JSONValue) throws(PatchError) -> JSONValue {
    try applying(jsonPatch: JSONPatch(parsing: patch))
  }

  /// Compares as RFC 6902, section 4.6 does: numbers by value, whether or not one is written with a fraction.
  public func isEquivalent(to other: JSONValue) -> Bool {
    switch (self, other) {
    case (.int(let whole), .double(let double)), (.double(let double), .int(let whole)): Double(whole) == double
    case (.array(let left), .array(let right)):
      left.count == right.count && zip(left, right).allSatisfy { $0.isEquivalent(to: $1) }
    case (.object(let left), .object(let right)):
      left.count == right.count
        && left.allSatisfy { key, value in right[key].map { value.isEquivalent(to: $0) } ?? false }
    default: self == other
    }
  }

  /// - Parameter copies: the limit of later copies.
  private mutating func apply(_ operation: JSONPatch.Operation, copies: inout Int) throws(PatchError) {
    switch operation {
    case .add(let path, let value): try edit(path, .add(value))
    case .remove(let path): try edit(path, .remove)
    case .replace(let path, let value): try edit(path, .replace(value))
    case .move(let from, let path):
      guard path == from || !path.tokens.starts(with: from.tokens) else {
        throw PatchError(.malformed, "'\(from)' cannot be moved into itself")
      }
      let value = try existing(from)
      try edit(from, .remove)
      try edit(path, .add(value))
    case .copy(let from, let path):
      let value = try existing(from)
      guard value.take(from: &copies) else {
        throw PatchError(.malformed, "the patch copies more than \(JSONPatch.copyLimit >> 20) MiB")
      }
      try edit(path, .add(value))
    case .test(let path, let value):
      guard let found = self[path] else {
        throw PatchError(.testFailed, "'\(path)' is absent, the test expects \(value)")
      }
      guard found.isEquivalent(to: value) else {
        throw PatchError(.testFailed, "'\(path)' is \(found), the test expects \(value)")
      }
    }
  }

  /// Takes the value's size off a limit.
  /// - Returns: false for a value that is larger.
  private func take(from limit: inout Int) -> Bool {
    limit -= 1
    if case .string(let text) = self { limit -= text.utf8.count }
    guard limit >= 0 else { return false }
    switch self {
    case .array(let elements):
      for element in elements { guard element.take(from: &limit) else { return false } }
    case .object(let members):
      for (key, value) in members {
        limit -= key.utf8.count
        guard value.take(from: &limit) else { return false }
      }
    default: break
    }
    return true
  }

  private func existing(_ path: JSONPointer) throws(PatchError) -> JSONValue {
    guard let value = self[path] else { throw PatchError(.absent, "'\(path)' does not exist") }
    return value
  }

  private enum Edit {
    case add(JSONValue)
    case remove
    case replace(JSONValue)
  }

  private mutating func edit(_ path: JSONPointer, _ edit: Edit) throws(PatchError) {
    do { try self.edit(path.tokens[...], edit) } catch {
      throw error.code == .absent ? PatchError(.absent, "'\(path)' does not exist") : error
    }
  }

  private mutating func edit(_ tokens: ArraySlice<String>, _ edit: Edit) throws(PatchError) {
    guard let token = tokens.first else {
      switch edit {
      case .add(let value), .replace(let value): self = value
      case .remove: self = .null
      }
      return
    }
    let last = tokens.count == 1
    switch self {
    case .object(var members):
      if last {
        if case .add = edit {} else if members[token] == nil { throw PatchError(.absent, "") }
        switch edit {
        case .add(let value), .replace(let value): members[token] = value
        case .remove: members[token] = nil
        }
      } else {
        guard var child = members[token] else { throw PatchError(.absent, "") }
        try child.edit(tokens.dropFirst(), edit)
        members[token] = child
      }
      self = .object(members)
    case .array(var elements):
      if last, case .add(let value) = edit {
        guard let index = token == "-" ? elements.count : JSONPointer.index(token, below: elements.count + 1) else {
          throw PatchError(.absent, "")
        }
        elements.insert(value, at: index)
      } else {
        guard let index = JSONPointer.index(token, below: elements.count) else { throw PatchError(.absent, "") }
        if !last {
          try elements[index].edit(tokens.dropFirst(), edit)
        } else if case .replace(let value) = edit {
          elements[index] = value
        } else {
          elements.remove(at: index)
        }
      }
      self = .array(elements)
    default: throw PatchError(.absent, "")
    }
  }
}
