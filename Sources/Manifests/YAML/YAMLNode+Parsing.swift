import Inputs

extension YAMLNode {
  /// Reads the documents of a text, empty ones left out.
  /// - Parameters:
  ///   - file: the name that positions get.
  ///   - limits: the limits of the text.
  ///   - warnings: gets one for each key that appears twice in a mapping: the last one counts, as for kubectl.
  /// - Throws: `InputError` with the place where the text stops being YAML, or exceeds the limits.
  public static func documents(
    in text: String, file: String, limits: YAMLText.Limits = YAMLText.Limits(), warnings: inout [Diagnostic]
  ) throws(InputError) -> [YAMLNode] {
    let roots: [YAMLValue]
    do throws(YAMLProblem) { roots = try YAMLText.read(text, limits: limits) } catch { throw broken(error, file) }
    var builder = YAMLTree(file: file)
    var documents: [YAMLNode] = []
    for root in roots {
      let node = try builder.node(root, path: .root)
      if !node.isNull { documents.append(node) }
    }
    warnings += builder.warnings
    return documents
  }

  private static func broken(_ problem: YAMLProblem, _ file: String) -> InputError {
    let place = SourcePosition(file: file, line: problem.line, column: problem.column)
    switch problem.kind {
    case .syntax:
      return InputError(
        "it is not YAML: \(problem.message)", at: place,
        remedy: problem.message.contains("character that cannot start any token")
          ? "indent with spaces, and quote values that begin with a special character" : "correct this place")
    case .encoding:
      return InputError(
        "it is not YAML: \(problem.message)", at: SourcePosition(file: file, line: problem.line),
        remedy: "write it as UTF-8 text")
    case .refused: return InputError(problem.message, at: place, remedy: problem.remedy)
    }
  }
}
