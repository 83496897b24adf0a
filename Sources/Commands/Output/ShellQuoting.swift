/// Quotes texts as words of a POSIX shell.
enum ShellQuoting {
  /// Returns the text in single quotes, which keep every byte as it is (POSIX, XCU 2.2.2).
  ///
  /// It goes by scalars: in a String, a quote and a following combining mark are one Character, which is no quote; for
  /// the shell it ends the word.
  static func quoted(_ text: String) -> String {
    var result = "'"
    for scalar in text.unicodeScalars {
      if scalar == "'" {
        result.unicodeScalars.append(contentsOf: "'\\''".unicodeScalars)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    result.unicodeScalars.append("'")
    return result
  }
}
