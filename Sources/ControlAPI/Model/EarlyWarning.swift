/// A warning that a command prints at once, since the user may want to stop it: a line of progress with this beginning.
/// The report repeats it.
public enum EarlyWarning {
  private static let beginning = "warning: "

  /// Returns the line of progress for a warning.
  public static func line(_ text: String) -> String { beginning + text }

  /// Returns the warning of a line of progress; nil for any other line.
  public static func text(of line: String) -> String? {
    line.hasPrefix(beginning) ? String(line.dropFirst(beginning.count)) : nil
  }
}
