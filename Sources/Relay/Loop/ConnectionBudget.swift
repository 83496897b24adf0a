/// The limit of open connections: of one tunnel, within that of all. Belongs to a loop's thread.
public final class ConnectionBudget {
  public var limit: Int
  /// Room taken now.
  public private(set) var open = 0
  private let all: ConnectionBudget?

  /// - Parameter all: the budget that this one is a part of.
  public init(limit: Int, within all: ConnectionBudget? = nil) {
    self.limit = limit
    self.all = all
  }

  /// Takes room for a connection; false if there is none.
  /// - Parameter count: 2 if it may have two descriptors.
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
