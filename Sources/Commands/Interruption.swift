import UnixSignals

/// The signals that a command got, and their consequence.
struct Interruption {
  enum Consequence: Equatable {
    /// Undo everything, and end.
    case cancel
    /// End at once, with this status.
    case end(Int32)
    case nothing
  }

  /// The exit status; nil if no signal came.
  private(set) var status: Int32?

  mutating func take(_ signal: UnixSignal) -> Consequence {
    let status: Int32 = signal == .sigterm ? 143 : signal == .sighup ? 129 : 130
    guard self.status != nil else {
      self.status = status
      return .cancel
    }
    // A second Ctrl-C means not to wait until all is undone; the daemon undoes it nevertheless. A terminal that closes
    // sends SIGHUP, and its shell sends it once more.
    return signal == .sighup ? .nothing : .end(status)
  }
}
