/// How many connections may be open at once: so many of one tunnel, and so many of all. Belongs to a loop's thread.
public final class ConnectionBudget {
  public var limit: Int
  public private(set) var open = 0
  private let all: ConnectionBudget?

  /// - Parameter all: what this one is a part of.
  public init(limit: Int, within all: ConnectionBudget? = nil) {
    self.limit = limit
    self.all = all
  }

  /// Takes room for a connection; false if there is none.
  /// - Parameter count: 2 where it may have two descriptors.
  public func take(_ count: Int = 1) -> Bool {
    guard open <= limit - count else { return false }
    if let all, !all.take(count) { return false }
    open += count
    return true
  }

  public func giveBack(_ count: Int = 1) {
    open -= count
    all?.giveBack(count)
  }
}
