import Agents
import ControlAPI
import HTTPMessages
import InterceptMachine

extension Planner {
  /// Says who would get a request to the intercept's ports.
  public func explain(_ request: ExplainRequest, to reader: Holder) async throws(ControlError) -> ExplainReport {
    let plan = try await plan(request.intercept)
    let claims = try await AgentClaims(client: client, namespace: namespace, workload: plan.workload.name).read()?
      .claims
    let ports = plan.ports.filter { $0.localPort != nil }.map { port in
      let (claims, proposed) = (claims ?? Claims(), request.intercept.rules)
      return ExplainReport.Port(
        service: port.servicePort, name: port.name,
        takers: Self.takers(of: request.head, port: port.agentPort, claims, besides: proposed, reader: reader),
        copies: Self.copies(of: request.head, port: port.agentPort, claims, besides: proposed, reader: reader))
    }
    return ExplainReport(
      context: client.access.contextName, namespace: namespace, service: plan.service, ports: ports)
  }

  /// Returns those who take a request, in the agent's order: the strictest rule, then the older one, then the holder of
  /// all.
  /// - Parameter proposed: the rules of an intercept that does not exist yet.
  static func takers(
    of head: HTTPMessages.RequestHead, port: UInt16, _ claims: Claims, besides proposed: RequestRules?, reader: Holder
  ) -> [ExplainReport.Taker] {
    taking(head, port: port, claims, besides: proposed).map {
      ExplainReport.Taker(holder: $0.holder?.told(to: reader), rule: $0.rule)
    }
  }

  /// The same, with the holders as they are recorded.
  static func taking(
    _ head: HTTPMessages.RequestHead, port: UInt16, _ claims: Claims, besides proposed: RequestRules? = nil
  ) -> [PortTaker] {
    var found: [(strictness: Strictness, count: UInt64, taker: PortTaker)] = []
    func add(_ rules: RequestRules?, _ holder: Holder?, _ count: UInt64) {
      let matching = rules?.ruleSet.rules.filter { !$0.isCopy && $0.matches(head) } ?? []
      guard let rule = matching.max(by: { $0.strictness < $1.strictness }) else { return }
      let conditions = rule.conditions.map { String(decoding: $0.text, as: UTF8.self) }
      found.append((rule.strictness, count, PortTaker(holder: holder, rule: conditions)))
    }
    for claim in claims.personal[port] ?? [] {
      add(RequestRules(texts: claim.rules ?? []), Holder(identity: claim.holder), claim.count)
    }
    add(proposed, nil, claims.count + 1)
    let whole = claims.ports[port].map { PortTaker(holder: Holder(identity: $0.holder), rule: nil) }
    return found.sorted { $1.strictness < $0.strictness || $0.strictness == $1.strictness && $0.count < $1.count }
      .map(\.taker) + [whole].compactMap(\.self)
  }

  /// Returns those who get a copy of a request.
  static func copies(
    of head: HTTPMessages.RequestHead, port: UInt16, _ claims: Claims, besides proposed: RequestRules?, reader: Holder
  ) -> [ExplainReport.Taker] {
    func taker(_ rules: RequestRules?, _ holder: String?) -> ExplainReport.Taker? {
      let matching = rules?.ruleSet.rules.filter { $0.isCopy && $0.matches(head) } ?? []
      return matching.max { $0.strictness < $1.strictness }.map { rule in
        ExplainReport.Taker(holder: holder, rule: rule.conditions.map { String(decoding: $0.text, as: UTF8.self) })
      }
    }
    let holders = (claims.personal[port] ?? []).compactMap { claim in
      taker(RequestRules(texts: claim.rules ?? []), Holder(identity: claim.holder).told(to: reader))
    }
    return holders + [taker(proposed, nil)].compactMap(\.self)
  }
}

/// Someone who takes a request.
public struct PortTaker: Sendable, Hashable {
  /// Nil for an intercept that does not exist yet.
  public var holder: Holder?
  /// The conditions of the strictest rule that the request meets; nil for a holder of the whole port.
  public var rule: [String]?
}

extension ExplainRequest {
  var head: HTTPMessages.RequestHead { WayHead(method: method, target: target, headers: headers).read }
}

extension WayHead {
  /// The request as the agent would read it.
  var read: HTTPMessages.RequestHead {
    var head = HTTPMessages.RequestHead()
    Array(method.utf8).withUnsafeBytes { head.setMethod($0) }
    Array(target.utf8).withUnsafeBytes { head.setTarget($0) }
    for field in headers {
      Array(field.name.utf8).withUnsafeBytes { name in
        Array(field.value.utf8).withUnsafeBytes { head.addField(name, $0) }
      }
    }
    return head
  }
}
