/// Replaces `$(NAME)` in a container's command, arguments and variables (Kubernetes API, Container, EnvVar) if the name
/// is known and leaves it alone if not; `$$` is one dollar.
public enum VariableExpansion {
  /// The longest string that a process may be given: MAX_ARG_STRLEN, 32 pages (execve(2)).
  public static let longestString = 128 << 10
  /// The bytes of all strings that a process may be given: a quarter of the usual stack limit (execve(2)).
  public static let mostBytes = 2 << 20

  /// Returns a text that expands to the given one.
  public static func escaped(_ text: String) -> String { text.replacing("$", with: "$$") }

  /// - Parameter limit: bytes. Variables that refer to each other grow without end: thirty that double one another are
  ///   a gigabyte.
  /// - Returns: nil beyond the limit.
  public static func expand(_ text: String, _ variables: [String: String], limit: Int) -> String? {
    let dollar = UInt8(ascii: "$")
    let opening = UInt8(ascii: "(")
    let closing = UInt8(ascii: ")")
    let bytes = Array(text.utf8)
    // Without it, each `$(` of a text that closes none would be followed to the end.
    let lastClosing = bytes.lastIndex(of: closing) ?? -1
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let next = index + 1 < bytes.count ? bytes[index + 1] : nil
      if bytes[index] == dollar, next == dollar {
        result.append(dollar)
        index += 2
      } else if bytes[index] == dollar, next == opening, index < lastClosing,
        let end = bytes[(index + 2)...].firstIndex(of: closing)
      {
        let name = String(decoding: bytes[(index + 2)..<end], as: UTF8.self)
        if let value = variables[name] { result += value.utf8 } else { result += bytes[index...end] }
        index = end + 1
      } else {
        result.append(bytes[index])
        index += 1
      }
      if result.count > limit { return nil }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
