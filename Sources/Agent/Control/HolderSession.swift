#if !hasFeature(Embedded)
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

  init(_ session: Session, of holder: UInt64) {
    self.session = session
    self.holder = holder
  }

  func send(_ message: ControlMessage) { control?.send(message) }
}
