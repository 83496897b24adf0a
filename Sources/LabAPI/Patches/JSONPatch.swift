import KubeObjects

/// JSON patch (RFC 6902): a list of operations, all or none.
struct JSONPatch: Sendable {
  private struct Operation: Sendable {
    var name: String
    var path: [String]
    var from: [String]
    var value: JSONValue
  }

  private var operations: [Operation] = []

  /// Kubernetes' limits: that of a patch's operations, and that of a request's body for what they copy.
  private static let mostOperations = 10_000
  private static let mostCopiedBytes = 3 << 20

  /// - Throws: `PatchError.Code.malformed`.
  init(_ patch: JSONValue) throws {
    guard let list = patch.arrayValue else { throw PatchError(.malformed, "a JSON patch is an array of operations") }
    guard list.count <= Self.mostOperations else {
      throw PatchError(
        .tooLarge, "The allowed maximum operations in a JSON patch is \(Self.mostOperations), got \(list.count)")
    }
    operations = try list.map { item in
      guard let name = item["op"]?.stringValue, let path = item["path"]?.stringValue else {
        throw PatchError(.malformed, "an operation of a JSON patch needs \"op\" and \"path\": \(item)")
      }
      if ["add", "replace", "test"].contains(name), item["value"] == nil {
        throw PatchError(.malformed, "the operation \"\(name)\" on \(path) has no value")
      }
      return Operation(
        name: name, path: try Self.pointer(path), from: try Self.pointer(item["from"]?.stringValue ?? ""),
        value: item["value"] ?? .null)
    }
  }

  /// - Throws: `PatchError`.
  func applied(to object: JSONValue) throws -> JSONValue {
    var result = object
    var copied = 0
    for operation in operations {
      if operation.name == "copy" {
        // Copies of copies would double the object with each operation.
        copied += try Self.value(result, operation.from).serialized().count
        guard copied <= Self.mostCopiedBytes else {
          throw PatchError(
            .tooLarge, "the copies of a JSON patch have more than \(Self.mostCopiedBytes) bytes together")
        }
      }
      try apply(operation, to: &result)
    }
    return result
  }

  private func apply(_ operation: Operation, to object: inout JSONValue) throws {
    let path = operation.path[...]
    switch operation.name {
    case "add": try Self.edit(&object, path, .add(operation.value))
    case "remove": try Self.edit(&object, path, .remove)
    case "replace": try Self.edit(&object, path, .replace(operation.value))
    case "move":
      let value = try Self.value(object, operation.from)
      try Self.edit(&object, operation.from[...], .remove)
      try Self.edit(&object, path, .add(value))
    case "copy": try Self.edit(&object, path, .add(try Self.value(object, operation.from)))
    case "test":
      let found = try? Self.value(object, operation.path)
      guard found == operation.value else {
        throw PatchError(
          .notApplicable, "testing path /\(operation.path.joined(separator: "/")) value failed: the object has changed")
      }
    default: throw PatchError(.malformed, "unknown operation \"\(operation.name)\" in a JSON patch")
    }
  }

  private enum Edit {
    case add(JSONValue)
    case replace(JSONValue)
    case remove
  }

  private static func value(_ object: JSONValue, _ path: [String]) throws -> JSONValue {
    var current = object
    for part in path {
      guard let next = current.arrayValue == nil ? current[part] : Int(part).flatMap({ current[$0] }) else {
        throw missing(path[...])
      }
      current = next
    }
    return current
  }

  private static func edit(_ target: inout JSONValue, _ path: ArraySlice<String>, _ edit: Edit) throws {
    guard let part = path.first else {
      switch edit {
      case .add(let value), .replace(let value): target = value
      case .remove: throw PatchError(.notApplicable, "the whole object cannot be removed by a patch")
      }
      return
    }
    switch target {
    case .object(var members):
      if path.count > 1 {
        guard var child = members[part] else { throw missing(path) }
        try Self.edit(&child, path.dropFirst(), edit)
        members[part] = child
      } else {
        if case .add(let value) = edit {
          members[part] = value
        } else {
          guard members[part] != nil else { throw missing(path) }
          if case .replace(let value) = edit { members[part] = value } else { members[part] = nil }
        }
      }
      target = .object(members)
    case .array(var elements):
      try editElement(&elements, part, path, edit)
      target = .array(elements)
    default: throw missing(path)
    }
  }

  private static func editElement(
    _ elements: inout [JSONValue], _ part: String, _ path: ArraySlice<String>, _ edit: Edit
  ) throws {
    let isLast = path.count == 1
    if isLast, case .add(let value) = edit {
      guard let index = part == "-" ? elements.count : Int(part), (0...elements.count).contains(index) else {
        throw missing(path)
      }
      elements.insert(value, at: index)
      return
    }
    guard let index = Int(part), elements.indices.contains(index) else { throw missing(path) }
    if !isLast {
      try Self.edit(&elements[index], path.dropFirst(), edit)
    } else if case .replace(let value) = edit {
      elements[index] = value
    } else {
      elements.remove(at: index)
    }
  }

  private static func missing(_ path: ArraySlice<String>) -> PatchError {
    PatchError(.notApplicable, "the path …/\(path.joined(separator: "/")) does not exist in the object")
  }

  /// A JSON pointer (RFC 6901).
  private static func pointer(_ text: String) throws -> [String] {
    guard !text.isEmpty else { return [] }
    guard text.first == "/" else {
      throw PatchError(.malformed, "\"\(text)\" is no JSON pointer: it begins with a slash")
    }
    return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(unescape)
  }

  private static func unescape(_ part: Substring) -> String {
    var result = ""
    var rest = part
    while let character = rest.popFirst() {
      if character == "~", let next = rest.first, next == "0" || next == "1" {
        rest.removeFirst()
        result.append(next == "0" ? "~" : "/")
      } else {
        result.append(character)
      }
    }
    return result
  }
}
