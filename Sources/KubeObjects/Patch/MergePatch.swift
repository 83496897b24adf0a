extension JSONValue {
  /// Returns the document with a JSON Merge Patch applied (RFC 7386): null removes a member, an object is
  /// merged, any other value replaces.
  public func applying(mergePatch patch: JSONValue) -> JSONValue {
    guard case .object(let changes) = patch else { return patch }
    var members = objectValue ?? [:]
    for (key, change) in changes {
      if change.isNull {
        members.removeValue(forKey: key)
      } else {
        members[key] = (members[key] ?? .null).applying(mergePatch: change)
      }
    }
    return .object(members)
  }
}
