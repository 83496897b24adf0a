import Yams

extension YAMLNode {
  /// The documents of a text, empty ones left out.
  /// - Parameters:
  ///   - file: the name that positions get.
  ///   - warnings: gets one for each key that stands twice in a mapping: the last one wins, as it does for kubectl.
  /// - Throws: `InputError` with the place where the text stops being YAML.
  public static func documents(in text: String, file: String, warnings: inout [Diagnostic]) throws(InputError) -> [YAMLNode] {
    var source = DuplicateKeys(text)
    while true {
      do {
        var builder = YAMLTree(file: file, size: text.utf8.count)
        var documents: [YAMLNode] = []
        for root in try composed(source.text) {
          let node = try builder.node(root, path: "")
          if !node.isNull { documents.append(node) }
        }
        warnings += builder.warnings
        return documents
      } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
        guard source.hide(keys, line: context.mark.line, column: context.mark.column) else {
          throw InputError(
            "'\(keys.joined(separator: "', '"))' stands twice in one mapping", at: SourcePosition(file: file, line: context.mark.line),
            remedy: "keep one of them")
        }
      } catch let error as InputError {
        throw error
      } catch {
        throw broken(error, file, text)
      }
    }
  }

  private static func composed(_ text: String) throws -> [Node] {
    var documents = try Yams.compose_all(yaml: text)
    var roots: [Node] = []
    while let root = documents.next() { roots.append(root) }
    // The sequence ends at a mistake as it does at the end.
    if let error = documents.error { throw error }
    return roots
  }

  private static func broken(_ error: any Error, _ file: String, _ text: String) -> InputError {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      InputError(
        "it is not YAML: \(problem)", at: SourcePosition(file: file, line: mark.line, column: mark.column),
        remedy: problem.contains("character that cannot start any token")
          ? "indent with spaces, and quote what begins with a special character" : "correct this place")
    case .reader(let problem, let offset, _, _):
      InputError(
        "it is not YAML: \(problem)", at: SourcePosition(file: file, line: text.utf8.prefix(offset ?? 0).count { $0 == UInt8(ascii: "\n") } + 1),
        remedy: "write it as UTF-8 text")
    default: InputError("it is not YAML: \(error)", at: SourcePosition(file: file, line: 1), remedy: "correct it")
    }
  }
}
