#if !hasFeature(Embedded)
  import HTTPMessages
  import Relay
#endif

/// The requests of a port that one session has.
final class PortRules {
  /// Its number among those of the port. A number is not used again.
  let way: Way
  let holder: HolderSession
  var rules: RuleSet
  /// The count with which they were turned to the host.
  var count: UInt64
  /// True if a refusal by the host is passed on to the client.
  var passesRefusals: Bool
  /// Requests that went to the host.
  var requests: UInt64 = 0
  /// True if the host took the last connection that was offered.
  var hostAnswers = false
  /// Requests, and connections of other protocols, whose copies were begun and not lost, and those whose were.
  var copied: UInt64 = 0
  var lost: UInt64 = 0
  /// The time until which no copies are begun, since the host did not take a connection, µs.
  var restsUntil: UInt64 = 0

  init(way: Way, holder: HolderSession, rules: RuleSet, count: UInt64, passesRefusals: Bool) {
    self.way = way
    self.holder = holder
    self.rules = rules
    self.count = count
    self.passesRefusals = passesRefusals
  }

  /// Checks whether both have a rule in common by which they would take requests.
  func shares(_ other: RuleSet) -> Bool {
    for rule in rules.rules where !rule.isCopy && other.has(rule) { return true }
    return false
  }

  /// Notes that copies that were begun are lost.
  func lose(_ count: Int) {
    let count = min(copied, UInt64(count))
    copied -= count
    lost += count
  }

  /// Gives up the rules that another session has now.
  func remove(_ others: RuleSet) {
    var own: [RequestRule] = []
    for rule in rules.rules where rule.isCopy || !others.has(rule) { own.append(rule) }
    rules = RuleSet(own)
  }
}

extension RuleSet {
  fileprivate func has(_ rule: RequestRule) -> Bool {
    for one in rules where one == rule { return true }
    return false
  }
}
