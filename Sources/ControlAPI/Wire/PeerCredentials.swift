import CControl

/// The user at the other end of a Unix socket (SO_PEERCRED, unix(7)).
package enum PeerCredentials {
  package static func uid(of fd: Int32) throws(ControlError) -> UInt32 {
    var uid: UInt32 = 0
    let code = ccontrol_peer_uid(fd, &uid)
    guard code == 0 else { throw .system("the peer of the control socket is unknown", Int(code)) }
    return uid
  }

  /// - Throws: `.forbidden` for another user, root included: a daemon acts with its user's credentials, and for no one
  ///   else.
  package static func require(uid expected: UInt32, of fd: Int32) throws(ControlError) {
    let peer = try uid(of: fd)
    guard peer == expected else {
      throw ControlError(
        .forbidden, "the other end of the control socket belongs to uid \(peer), not \(expected)",
        remedy: "run the command as the daemon's user")
    }
  }
}
