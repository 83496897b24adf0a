import ArgumentParser
import Images

/// `--builder`.
struct BuilderArgument: Sendable, Hashable {
  var kind: BuilderKind

  static func parse(_ text: String) throws -> BuilderArgument {
    guard let kind = BuilderKind(rawValue: text) else {
      throw ValidationError(
        "must be one of \(BuilderKind.allCases.map(\.rawValue).joined(separator: ", ")), not \(text)")
    }
    return BuilderArgument(kind: kind)
  }
}
