/// A file that is no HAR, or an entry of it that has no meaning.
public struct HARError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The place, such as `log.entries[3].request.url`; empty for the file as a whole.
  public var field: String
  public var problem: String

  public init(field: String = "", _ problem: String) {
    self.field = field
    self.problem = problem
  }

  public var description: String { field.isEmpty ? problem : "\(field) \(problem)" }
}
