import Agents
import InterceptMachine
import KubeObjects

/// The text of the claims on an agent's Deployment: anyone who may edit the namespace may have written it.
enum ClaimsRecord {
  /// The annotation's name.
  static let annotation = "devtunnel.dev/claims"

  /// Reads the claims; nil if there is no record, or it cannot be one of ours.
  static func read(_ deployment: JSONValue) -> Claims? {
    guard let text = deployment.annotations[annotation], let record = try? JSONValue(parsing: text),
      let entries = record["ports"]?.objectValue
    else { return nil }
    var claims = Claims(count: count(record["count"]))
    claims.closer = record["closer"]?.stringValue
    for (key, entry) in entries {
      guard let port = UInt16(key), port > 0, let holder = entry["holder"]?.stringValue, !holder.isEmpty else {
        return nil
      }
      let services = (entry["services"]?.elements ?? []).compactMap(\.stringValue).filter(AgentNames.isName)
      claims.ports[port] = Claim(
        holder: holder, services: services.sorted(), count: count(entry["count"]),
        since: entry["since"]?.stringValue ?? "")
    }
    return claims
  }

  /// The largest count: the agent takes none that a Lease could not hold (int32).
  private static func count(_ value: JSONValue?) -> UInt64 {
    min(UInt64(clamping: value?.intValue ?? 0), UInt64(Int32.max))
  }

  static func text(_ claims: Claims) -> String {
    var ports: JSONValue = [:]
    for (port, claim) in claims.ports {
      ports[String(port)] = [
        "holder": JSONValue(claim.holder), "services": JSONValue.array(claim.services.map { JSONValue($0) }),
        "count": JSONValue(Int(clamping: claim.count)), "since": JSONValue(claim.since),
      ]
    }
    var record: JSONValue = ["count": JSONValue(Int(clamping: claims.count)), "ports": ports]
    if let closer = claims.closer { record["closer"] = JSONValue(closer) }
    return record.description
  }
}
