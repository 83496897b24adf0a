import Agents
import ControlAPI
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
      guard let port = port(key), let claim = claim(entry) else { return nil }
      claims.ports[port] = claim
    }
    for (key, entries) in record["personal"]?.objectValue ?? [:] {
      guard let port = port(key) else { return nil }
      for entry in entries.elements {
        guard var claim = claim(entry) else { return nil }
        let texts = (entry["rules"]?.elements ?? []).compactMap(\.stringValue)
        guard let rules = RequestRules(texts: texts) else { continue }
        claim.rules = rules.texts
        claims.personal[port, default: []].append(claim)
      }
    }
    return claims
  }

  private static func port(_ key: String) -> UInt16? { UInt16(key).flatMap { $0 > 0 ? $0 : nil } }

  private static func claim(_ entry: JSONValue) -> Claim? {
    guard let holder = entry["holder"]?.stringValue, !holder.isEmpty else { return nil }
    let services = (entry["services"]?.elements ?? []).compactMap(\.stringValue).filter(AgentNames.isName)
    return Claim(
      holder: holder, services: services.sorted(), count: count(entry["count"]),
      since: entry["since"]?.stringValue ?? "")
  }

  /// The largest count: the agent takes none that a Lease could not hold (int32).
  private static func count(_ value: JSONValue?) -> UInt64 {
    min(UInt64(clamping: value?.intValue ?? 0), UInt64(Int32.max))
  }

  static func text(_ claims: Claims) -> String {
    var ports: JSONValue = [:]
    for (port, claim) in claims.ports { ports[String(port)] = entry(claim) }
    var personal: JSONValue = [:]
    for (port, claims) in claims.personal { personal[String(port)] = .array(claims.map(entry)) }
    var record: JSONValue = ["count": JSONValue(Int(clamping: claims.count)), "ports": ports]
    if !claims.personal.isEmpty { record["personal"] = personal }
    if let closer = claims.closer { record["closer"] = JSONValue(closer) }
    return record.description
  }

  private static func entry(_ claim: Claim) -> JSONValue {
    var entry: JSONValue = [
      "holder": JSONValue(claim.holder), "services": JSONValue.array(claim.services.map { JSONValue($0) }),
      "count": JSONValue(Int(clamping: claim.count)), "since": JSONValue(claim.since),
    ]
    if let rules = claim.rules { entry["rules"] = .array(rules.sorted().map { JSONValue($0) }) }
    return entry
  }
}
