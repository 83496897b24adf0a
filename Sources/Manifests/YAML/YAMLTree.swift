import Yams

/// Makes nodes with places of what Yams composed.
struct YAMLTree {
  let file: String
  /// Values, far more than a text has without aliases of aliases, which would fill the memory.
  private let limit: Int
  private(set) var warnings: [Diagnostic] = []
  private var count = 0

  /// - Parameter size: the text's, in bytes.
  init(file: String, size: Int) {
    self.file = file
    limit = 10_000 + 10 * size
  }

  mutating func node(_ node: Node, path: String) throws(InputError) -> YAMLNode {
    let position = SourcePosition(file: file, line: node.mark?.line ?? 1, column: node.mark?.column)
    count += 1
    guard count <= limit else { throw InputError("its aliases make more than \(limit) values", at: position, remedy: "write fewer aliases of aliases") }
    switch node {
    case .scalar(let scalar): return YAMLNode(.scalar(scalar.string, isPlain: Self.isPlain(scalar)), position: position, path: path)
    case .sequence(let sequence):
      var elements: [YAMLNode] = []
      for (index, element) in sequence.enumerated() { elements.append(try self.node(element, path: "\(path)[\(index)]")) }
      return YAMLNode(.sequence(elements), position: position, path: path)
    case .mapping(let mapping): return YAMLNode(.mapping(try members(mapping, path)), position: position, path: path)
    case .alias: return YAMLNode(.scalar("", isPlain: true), position: position, path: path)
    }
  }

  private static func isPlain(_ scalar: Node.Scalar) -> Bool {
    scalar.style == .plain && !["!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:binary"].contains(scalar.tag.description)
  }

  private mutating func members(_ mapping: Node.Mapping, _ path: String) throws(InputError) -> [YAMLNode.Member] {
    var members: [YAMLNode.Member] = []
    var merged: [YAMLNode.Member] = []
    for (keyNode, valueNode) in mapping {
      guard case .scalar(let scalar) = keyNode else {
        throw InputError("a key must be a single value", at: place(keyNode), field: path, remedy: "write KEY: VALUE")
      }
      if let hidden = DuplicateKeys.original(scalar.string) {
        let last = Array(mapping).last { $0.key.scalar?.string == hidden }?.key
        warnings.append(
          Diagnostic(
            .warning, "'\(hidden)' stands again in line \(last?.mark?.line ?? 0): the last one counts", at: place(keyNode), field: path,
            remedy: "keep one of them"))
        continue
      }
      if scalar.string == "<<", Self.isPlain(scalar) {
        merged += try mergeMembers(valueNode, path)
        continue
      }
      let child = path.isEmpty ? scalar.string : Self.isName(scalar.string) ? "\(path).\(scalar.string)" : "\(path)['\(scalar.string)']"
      members.append(YAMLNode.Member(key: scalar.string, position: place(keyNode), value: try node(valueNode, path: child)))
    }
    // What stands here goes before what is merged in, and the first merged before the next.
    for member in merged where !members.contains(where: { $0.key == member.key }) { members.append(member) }
    return members
  }

  private mutating func mergeMembers(_ node: Node, _ path: String) throws(InputError) -> [YAMLNode.Member] {
    switch node {
    case .mapping(let mapping): return try members(mapping, path)
    case .sequence(let sequence):
      var all: [YAMLNode.Member] = []
      for element in sequence { all += try mergeMembers(element, path) }
      return all
    default: throw InputError("'<<' merges mappings only", at: place(node), field: path, remedy: "name a mapping's anchor: <<: *NAME")
    }
  }

  private func place(_ node: Node) -> SourcePosition { SourcePosition(file: file, line: node.mark?.line ?? 1, column: node.mark?.column) }

  private static func isName(_ key: String) -> Bool { key.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" } }
}
