import Inputs

/// Makes nodes with positions and paths from a text's values, aliases copied and merge keys merged.
struct YAMLTree {
  let file: String
  private(set) var warnings: [Diagnostic] = []

  init(file: String) { self.file = file }

  mutating func node(_ value: YAMLValue, path: YAMLPath) throws(InputError) -> YAMLNode {
    let position = place(value.mark)
    switch value.content {
    case .scalar(let text, let isPlain):
      return YAMLNode(.scalar(text, isPlain: isPlain && !Self.isString(value.tag)), position: position, path: path)
    case .sequence(let elements):
      var nodes: [YAMLNode] = []
      for (index, element) in elements.enumerated() { nodes.append(try node(element, path: path.appending(index))) }
      return YAMLNode(.sequence(nodes), position: position, path: path)
    case .mapping(let entries): return YAMLNode(.mapping(try members(entries, path)), position: position, path: path)
    }
  }

  private static func isString(_ tag: String?) -> Bool {
    ["!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:binary"].contains(tag)
  }

  private mutating func members(_ entries: [YAMLValue.Entry], _ path: YAMLPath) throws(InputError) -> [YAMLNode.Member]
  {
    var members: [YAMLNode.Member] = []
    var merged: [YAMLNode.Member] = []
    for entry in entries {
      if let last = entry.last {
        warnings.append(
          Diagnostic(
            .warning, "'\(entry.key)' appears again in line \(last.line): the last one counts", at: place(entry.mark),
            field: path.text,
            remedy: "keep one of them"))
        continue
      }
      if entry.key == "<<", entry.isPlain {
        merged += try mergeMembers(entry.value, path)
        continue
      }
      members.append(
        YAMLNode.Member(
          key: entry.key, position: place(entry.mark), value: try node(entry.value, path: path.appending(entry.key))))
    }
    if merged.isEmpty { return members }
    // The mapping's own keys come before merged ones, and the first merged before the next.
    var known = Set(members.map(\.key))
    for member in merged where known.insert(member.key).inserted { members.append(member) }
    return members
  }

  private mutating func mergeMembers(_ value: YAMLValue, _ path: YAMLPath) throws(InputError) -> [YAMLNode.Member] {
    switch value.content {
    case .mapping(let entries): return try members(entries, path)
    case .sequence(let sequence):
      var all: [YAMLNode.Member] = []
      for element in sequence { all += try mergeMembers(element, path) }
      return all
    case .scalar:
      throw InputError(
        "'<<' merges mappings only", at: place(value.mark), field: path.text,
        remedy: "name a mapping's anchor: <<: *NAME")
    }
  }

  private func place(_ mark: YAMLMark) -> SourcePosition {
    SourcePosition(file: file, line: mark.line, column: mark.column)
  }
}
