/// The choice of host ports: a forward gets its own if that is free, else the one it had before, else the next free
/// one. The same input gives the same ports.
struct PortChoice {
  /// The ports of earlier runs, by `PortForward.key`.
  var remembered: [String: UInt16]
  let isFree: (_ address: String, _ port: UInt16) -> Bool

  /// - Parameter taken: ports that forwards of this run hold already, by key.
  /// - Returns: by key; a forward is missing if no port is free.
  mutating func choose(_ forwards: [PortForward], taken: [String: UInt16] = [:]) -> [String: UInt16] {
    var chosen = taken
    var used = Set(taken.values)
    func take(_ port: UInt16, for forward: PortForward) -> Bool {
      guard !used.contains(port), isFree(forward.address, port) else { return false }
      chosen[forward.key] = port
      used.insert(port)
      return true
    }
    let new = forwards.filter { chosen[$0.key] == nil }
    let others = new.filter { !take($0.preferred, for: $0) }
    let left = others.filter { forward in !(remembered[forward.key].map { take($0, for: forward) } ?? false) }
    for forward in left {
      var port = forward.preferred
      while port < UInt16.max {
        port += 1
        if take(port, for: forward) { break }
      }
    }
    for forward in forwards { remembered[forward.key] = chosen[forward.key] }
    return chosen
  }
}
