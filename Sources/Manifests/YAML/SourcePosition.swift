/// A place in a file that a user wrote.
public struct SourcePosition: Sendable, Hashable, CustomStringConvertible {
  /// The path as given or found: absolute, or relative to the working directory.
  public var file: String
  /// From 1.
  public var line: Int
  /// In characters, from 1.
  public var column: Int?

  public init(file: String, line: Int, column: Int? = nil) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `app.yaml:12:3`, which terminals and editors open.
  public var description: String { "\(file):\(line)" + (column.map { ":\($0)" } ?? "") }
}

extension DefaultStringInterpolation {
  /// Writes a place before the words about it, `app.yaml:12:3: `; nothing if there is none.
  public mutating func appendInterpolation(at place: (some CustomStringConvertible)?) {
    if let place { appendInterpolation("\(place): ") }
  }
}
