import Manifests

/// A JSON patch in a profile (`profiles[].patches[]`; RFC 6902, with `replace` as the default and, as in Skaffold,
/// `KEY=VALUE` to find a list's element).
struct ProfilePatch {
  let operation: String
  let path: [String]
  let from: [String]
  let value: YAMLNode?
  /// For errors.
  let node: YAMLNode
  /// The name of its profile, for errors.
  let profile: String

  init?(_ node: YAMLNode, profile: String, _ reader: FieldReader) {
    self.profile = profile
    reader.check(node, ["op": .read, "path": .read, "from": .read, "value": .read])
    self.node = node
    operation = reader.string(node["op"]) ?? "replace"
    value = node.member("value")?.value
    guard let path = reader.required(node, "path") else { return nil }
    self.path = Self.parts(Modernizer.modernized(patchPath: path, reader.version))
    from = Self.parts(Modernizer.modernized(patchPath: reader.string(node["from"]) ?? "", reader.version))
    guard ["add", "remove", "replace", "move", "copy", "test"].contains(operation) else {
      reader.report(
        (node["op"] ?? node).error(
          "profile '\(profile)': '\(operation)' is no operation",
          remedy: "write add, remove, replace, move, copy or test"))
      return nil
    }
    if ["move", "copy"].contains(operation), from.isEmpty {
      reader.report(node.error("profile '\(profile)': \(operation) needs from", remedy: "write from: /…"))
      return nil
    }
    if ["add", "replace", "test"].contains(operation), value == nil {
      reader.report(node.error("profile '\(profile)': \(operation) needs a value", remedy: "write value: …"))
      return nil
    }
  }

  private static func parts(_ path: String) -> [String] {
    path.split(separator: "/").map { String($0.replacing("~1", with: "/").replacing("~0", with: "~")) }
  }

  /// - Parameter budget: of the configuration; what this patch takes is counted.
  func apply(to root: YAMLNode, _ budget: inout PatchBudget) throws(InputError) -> YAMLNode {
    switch operation {
    case "test":
      guard let found = get(root, path[...]) else { throw failure("does not have this value", path) }
      try check(budget.take(found))
      guard found.json == value?.json else { throw failure("does not have this value", path) }
      return root
    case "move", "copy":
      guard let found = get(root, from[...]) else { throw failure("does not exist", from) }
      if operation == "copy" { try check(budget.take(found)) }
      let source = operation == "move" ? try changed(root, from[...], .remove) : root
      return try put(found, into: source)
    case "remove": return try changed(root, path[...], .remove)
    default: return try put(value ?? node, into: root)
    }
  }

  private func put(_ value: YAMLNode, into root: YAMLNode) throws(InputError) -> YAMLNode {
    let result = try changed(root, path[...], operation == "replace" ? .replace(value) : .add(value))
    try check(PatchBudget.refusal(value, at: path))
    return result
  }

  private func check(_ refusal: String?) throws(InputError) {
    guard let refusal else { return }
    throw InputError([
      node.error("this patch of profile '\(profile)' \(refusal)", remedy: "write what is meant without these copies")
    ])
  }

  private enum Change {
    case add(YAMLNode)
    case replace(YAMLNode)
    case remove
  }

  private func failure(_ message: String, _ path: [String]) -> InputError {
    let remedy =
      switch operation {
      case "replace": "correct the path, or use op: add for a new value"
      case "test": "correct the path or the value, or remove the test"
      default: "correct the path"
      }
    return InputError([
      node.error(
        "profile '\(profile)' cannot \(operation) /\(self.path.joined(separator: "/")): "
          + "/\(path.joined(separator: "/")) \(message)", remedy: remedy)
    ])
  }

  private func get(_ node: YAMLNode, _ path: ArraySlice<String>) -> YAMLNode? {
    guard let key = path.first else { return node }
    switch node.content {
    case .mapping: return node.member(key).flatMap { get($0.value, path.dropFirst()) }
    case .sequence(let elements): return index(key, elements).flatMap { get(elements[$0], path.dropFirst()) }
    case .scalar: return nil
    }
  }

  private func index(_ key: String, _ elements: [YAMLNode]) -> Int? {
    if let index = Int(key) { return elements.indices.contains(index) ? index : nil }
    let parts = key.split(separator: "=", maxSplits: 1).map(String.init)
    return parts.count == 2 ? elements.firstIndex { (try? $0[parts[0]]?.string()) == parts[1] } : nil
  }

  private func changed(_ node: YAMLNode, _ path: ArraySlice<String>, _ change: Change) throws(InputError) -> YAMLNode {
    var result = node
    guard let key = path.first else { throw failure("is the whole document", self.path) }
    let isLast = path.count == 1
    switch node.content {
    case .mapping:
      guard let child = node.member(key)?.value else {
        guard isLast, case .add(let value) = change else { throw failure("does not exist", self.path) }
        result.set(key, value)
        return result
      }
      switch change {
      case .remove where isLast: result.remove(key)
      case .add(let value) where isLast, .replace(let value) where isLast: result.set(key, value)
      default: result.set(key, try changed(child, path.dropFirst(), change))
      }
    case .sequence(var elements):
      if isLast, case .add(let value) = change {
        guard let index = key == "-" ? elements.count : Int(key), (0...elements.count).contains(index) else {
          throw failure("is not in the list", self.path)
        }
        elements.insert(value, at: index)
      } else {
        guard let index = index(key, elements) else { throw failure("is not in the list", self.path) }
        switch change {
        case .remove where isLast: elements.remove(at: index)
        case .replace(let value) where isLast: elements[index] = value
        default: elements[index] = try changed(elements[index], path.dropFirst(), change)
        }
      }
      result.content = .sequence(elements)
    case .scalar: throw failure("does not exist", self.path)
    }
    return result
  }
}
