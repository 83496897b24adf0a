/// Replaces `$(NAME)` in a container's command, arguments and variables (Kubernetes API, Container, EnvVar) if the name
/// is known and leaves it alone if not; `$$` is one dollar.
public enum VariableExpansion {
  public static func expand(_ text: String, _ variables: [String: String]) -> String {
    expand(text, variables, limit: .max) ?? text
  }

  /// - Parameter limit: bytes; variables that refer to each other grow without end.
  /// - Returns: nil beyond the limit.
  public static func expand(_ text: String, _ variables: [String: String], limit: Int) -> String? {
    var result = ""
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      if rest.first == "$" {
        result += "$"
        rest = rest.dropFirst()
      } else if rest.first == "(", let end = rest.firstIndex(of: ")") {
        let name = String(rest[rest.index(after: rest.startIndex)..<end])
        result += variables[name] ?? "$(\(name))"
        rest = rest[rest.index(after: end)...]
      } else {
        result += "$"
      }
      if result.utf8.count > limit { return nil }
    }
    result += rest
    return result.utf8.count > limit ? nil : result
  }
}
