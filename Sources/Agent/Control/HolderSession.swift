#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
  import TunnelProtocol
#endif

/// The session of one holder with this agent.
final class HolderSession {
  let session: Session
  /// The holder's number, as in the hello.
  let holder: UInt64
  var control: ControlEnd?
  /// True once the holder's daemon has seen that this agent reaches the origin, or wants no origin.
  var isAdmitted = false

  /// The rules that came last for each port. They hold from the next turn on.
  private var rules: [(port: UInt16, rules: RuleSet)] = []

  init(_ session: Session, of holder: UInt64) {
    self.session = session
    self.holder = holder
  }

  func keep(_ new: RuleSet, port: UInt16) {
    rules.removeAll { $0.port == port }
    rules.append((port, new))
  }

  func rules(of port: UInt16) -> RuleSet? {
    for one in rules where one.port == port { return one.rules }
    return nil
  }

  func send(_ message: ControlMessage) { control?.send(message) }
}
