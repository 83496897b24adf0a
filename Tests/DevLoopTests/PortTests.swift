import Manifests
import Skaffold
import Testing

@testable import DevLoop

struct PortTests {
  private func forward(_ service: String, _ port: UInt16) -> PortForward {
    PortForward(target: "svc/\(service)", namespace: "shop", port: String(port), preferred: port)
  }

  private func choose(_ forwards: [PortForward], occupied: Set<UInt16> = [], remembered: [String: UInt16] = [:])
    -> [UInt16?]
  {
    var choice = PortChoice(remembered: remembered) { _, port in !occupied.contains(port) }
    let ports = choice.choose(forwards)
    return forwards.map { ports[$0.key] }
  }

  @Test func theServicesOwnPortIsTaken() { #expect(choose([forward("a", 8080), forward("b", 9090)]) == [8080, 9090]) }

  @Test func aTakenPortBecomesTheNextFreeOne() {
    #expect(choose([forward("a", 8080)], occupied: [8080, 8081]) == [8082])
  }

  @Test func whoeverOwnsAPortIsNotPushedAsideByAnother() {
    #expect(choose([forward("a", 8080), forward("b", 8080), forward("c", 8081)]) == [8080, 8082, 8081])
  }

  @Test func theNextFreePortIsTheSameOnEveryRun() {
    #expect(choose([forward("a", 8080)], occupied: [8080], remembered: ["shop/svc/a:8080": 8085]) == [8085])
  }

  @Test func aRememberedPortGivesWayToTheServicesOwn() {
    #expect(choose([forward("a", 8080)], remembered: ["shop/svc/a:8080": 8085]) == [8080])
  }

  private func manifests(_ yaml: String) throws -> [Manifest] {
    var warnings: [Diagnostic] = []
    return try ManifestReader.parse(yaml, file: "test.yaml", warnings: &warnings)
  }

  @Test func servicesAndRulesGiveTheForwards() throws {
    let objects = try manifests(
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec:
        selector: {app: web}
        ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}, {name: admin, port: 9000}]
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: elsewhere}
      spec: {type: ExternalName, externalName: db.example}
      """)
    let rule = PortForwardRule(
      resourceType: "service", resourceName: "web", namespace: "shop", port: "http", localPort: 8888)
    let forwards = PortForward.all(for: objects, rules: [rule], namespace: "default")
    #expect(forwards.map(\.port) == ["http", "9000"])
    #expect(forwards.map(\.preferred) == [8888, 9000])
  }

  @Test func aRuleWithoutANamespaceMeansTheObjectInTheManifests() throws {
    let objects = try manifests(
      "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {}}")
    let rule = { PortForwardRule(resourceType: "deployment", resourceName: $0, port: "80") }
    #expect(
      PortForward.all(for: objects, rules: [rule("web"), rule("db")], namespace: "default").map(\.namespace) == [
        "shop", "default",
      ])
  }

  /// The author of skaffold.yaml is not the person who runs it: it opens no port to other machines by itself.
  @Test(arguments: ["0.0.0.0", "::", "192.168.1.7", "nonsense"])
  func aRuleOpensNoPortToOthersUnasked(address: String) {
    let rule = PortForwardRule(resourceType: "service", resourceName: "web", port: "80", address: address)
    let kept = PortForward.all(for: [], rules: [rule], namespace: "default")
    #expect(kept.map(\.address) == ["127.0.0.1"])
    #expect(
      kept[0].notes(host: 8080) == ["not at \(address), where other machines would reach it; --open-ports allows that"])
    let opened = PortForward.all(for: [], rules: [rule], namespace: "default", opensPorts: true)
    #expect(opened.map(\.address) == [address])
    #expect(opened[0].notes(host: 9999) == ["port 8080 is taken", "other machines reach it"])
  }

  @Test(
    arguments: [("127.0.0.2", "127.0.0.2"), ("::1", "::1"), ("localhost", "127.0.0.1"), (nil, "127.0.0.1")]
      as [(String?, String)])
  func aRuleOnLoopbackIsTaken(address: String?, taken: String) {
    let rule = PortForwardRule(resourceType: "service", resourceName: "web", port: "80", address: address)
    let forward = PortForward.all(for: [], rules: [rule], namespace: "default")
    #expect(forward.map(\.address) == [taken] && forward[0].notes(host: 8080).isEmpty)
  }

  @Test func aLoopOpensSoManyForwardsAtMost() {
    for (count, opened) in [(256, 256), (257, 256), (20_000, 256)] {
      let rules = (0..<count).map { PortForwardRule(resourceType: "service", resourceName: "s\($0)", port: "80") }
      let wanted = PortForward.all(for: [], rules: rules, namespace: "default")
      let (forwards, warning) = PortForward.bounded(wanted)
      #expect(wanted.count == count && forwards == Array(wanted.prefix(opened)))
      #expect((warning != nil) == (count > opened))
    }
  }

  @Test func aPrivilegedPortIsShifted() throws {
    let objects = try manifests(
      """
      {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {a: b}, ports: [{port: 80}, \
      {port: 443}]}}
      """
    )
    #expect(PortForward.all(for: objects, rules: [], namespace: "default").map(\.preferred) == [8080, 8443])
  }

  @Test func aRulesNamedPortIsLookedUpInTheManifests() throws {
    let objects = try manifests(
      """
      {apiVersion: v1, kind: Pod, metadata: {name: db}, spec: {containers: [{name: db, image: db, ports: [{name: sql, \
      containerPort: 5432}]}]}}
      """
    )
    let rule = PortForwardRule(resourceType: "Pod", resourceName: "db", port: "sql")
    #expect(PortForward.all(for: objects, rules: [rule], namespace: "default").first?.preferred == 5432)
  }
}
