import KubeObjects

extension JSONValue {
  /// Sets a condition of `status.conditions`; its `lastTransitionTime` moves only when its status does.
  /// - Parameters:
  ///   - tracksUpdates: it has a `lastUpdateTime` too, which moves with reason and message.
  ///   - isUpdate: that time moves even though nothing is said differently.
  mutating func setCondition(
    type: String, isTrue: Bool, reason: String? = nil, message: String? = nil, tracksUpdates: Bool = false,
    isUpdate: Bool = false
  ) {
    let status: JSONValue = isTrue ? "True" : "False"
    let old = condition(type)
    var condition: JSONValue = ["type": .string(type), "status": status]
    condition["reason"] = reason.map { .string($0) }
    condition["message"] = message.map { .string($0) }
    let isSame = old?["status"] == status
    condition["lastTransitionTime"] = (isSame ? old?["lastTransitionTime"] : nil) ?? .string(Timestamp.now())
    if tracksUpdates {
      let isUnchanged =
        !isUpdate && isSame && old?["reason"] == condition["reason"] && old?["message"] == condition["message"]
      condition["lastUpdateTime"] = (isUnchanged ? old?["lastUpdateTime"] : nil) ?? .string(Timestamp.now())
    }
    var conditions = self[path: "status", "conditions"]?.elements ?? []
    if let index = conditions.firstIndex(where: { $0["type"]?.stringValue == type }) {
      conditions[index] = condition
    } else {
      conditions.append(condition)
    }
    self[path: "status", "conditions"] = .array(conditions)
  }
}
