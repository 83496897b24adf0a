import KubeObjects

/// The facts about a Pod that controllers ask for.
extension JSONValue {
  /// Not over and not on its way out.
  var isActivePod: Bool { !isTerminating && !hasEnded }

  var hasEnded: Bool {
    let phase = self[path: "status", "phase"]?.stringValue
    return phase == "Succeeded" || phase == "Failed"
  }

  var isReadyPod: Bool { isConditionTrue("Ready") }

  /// Seconds until a ready Pod has been ready for so long; 0: it has, nil: it is not ready.
  func secondsUntilAvailable(after minimum: Int) -> Double? {
    guard isReadyPod else { return nil }
    guard minimum > 0, let since = condition("Ready")?["lastTransitionTime"]?.stringValue,
      let age = Timestamp.age(of: since)
    else { return 0 }
    return max(0, Double(minimum) - age)
  }
}
