import KubeObjects
import Testing

@testable import Agents
@testable import Workloads

struct AgentResourcesTests {
  private func resources(_ items: [JSONValue], needsLimits: Bool = false) -> JSONValue {
    AgentResources(needsLimits: needsLimits, limitRanges: LimitRanges([["spec": ["limits": .array(items)]]])).object
  }

  @Test(
    "Quantities",
    arguments: [
      ("100m", 100), ("0.1", 100), ("1", 1000), ("64Mi", 67_108_864_000), ("1.5Gi", 1_610_612_736_000),
      ("128M", 128_000_000_000), ("2e3", 2_000_000),
      ("1n", 1), ("0.57", 570),
    ])
  func quantities(text: String, milli: Int) {
    #expect(Quantity(text)?.milli == milli)
  }

  @Test("Refuses texts that are no quantity") func noQuantities() {
    for text in ["", "x", "1Q", "Mi", "9999P"] { #expect(Quantity(text) == nil, "\(text)") }
  }

  private static let strange: [JSONValue] = [
    "9223372036854775807", "9999999999999999999999999", "1Gi", "8Ei", "1e400", "-1e400", "0e5", "-5", "0", "1n",
    "0.000000000000000001", "1e-300", "nan", "inf",
    "٣", "+", "-", ".", "1.2.3", "1e", .int(.max), .int(.min), .int(0), .double(1e300), .double(-1e300), .double(0.5),
    .null, true, [], [:],
  ]

  @Test(
    "No LimitRange ends the daemon, whatever it says", arguments: ["min", "max", "maxLimitRequestRatio", "default"])
  func anyNumber(member: String) {
    for value in Self.strange {
      for other in Self.strange {
        var item: JSONValue = ["type": "Container", "max": ["cpu": other, "memory": other]]
        item[member] = ["cpu": value, "memory": value]
        let object = resources([item], needsLimits: true)
        for (kind, names) in object.objectValue ?? [:] {
          for (name, text) in names.objectValue ?? [:] {
            #expect(
              Quantity(text.stringValue ?? "") != nil || text.stringValue?.isEmpty == false, "\(kind) \(name) \(text)")
          }
        }
      }
    }
  }

  @Test("A LimitRange for memory in bytes where a ratio should be")
  func hugeRatio() {
    #expect(
      resources([["type": "Container", "maxLimitRequestRatio": ["memory": "1Gi", "cpu": "8000000000000000"]]])
        == ["requests": ["cpu": "10m", "memory": "16Mi"], "limits": ["cpu": "500m", "memory": "96Mi"]])
  }

  @Test("As canonical text") func text() {
    #expect(
      ["100m", "1.5", "64Mi", "128M", "1536Mi"].map { Quantity($0)?.description } == [
        "100m", "1500m", "64Mi", "128000000", "1536Mi",
      ])
  }

  @Test("Nothing demanded: little asked for")
  func free() {
    #expect(resources([]) == ["requests": ["cpu": "10m", "memory": "16Mi"]])
    #expect(
      resources([["type": "PersistentVolumeClaim", "min": ["storage": "1Gi"]]]) == [
        "requests": ["cpu": "10m", "memory": "16Mi"]
      ])
  }

  @Test("A minimum of the container or of the Pod, the higher one")
  func minimum() {
    let items: [JSONValue] = [
      ["type": "Container", "min": ["cpu": "100m", "memory": "32Mi"]], ["type": "Pod", "min": ["memory": "64Mi"]],
    ]
    #expect(resources(items) == ["requests": ["cpu": "100m", "memory": "64Mi"]])
  }

  @Test("A minimum above the limit that a quota demands raises the limit")
  func minimumAboveLimit() {
    #expect(
      resources([["type": "Container", "min": ["cpu": "1", "memory": "128Mi"]]], needsLimits: true)
        == ["requests": ["cpu": "1", "memory": "128Mi"], "limits": ["cpu": "1", "memory": "128Mi"]])
  }

  @Test("A maximum wants a limit, and no more than that")
  func maximum() {
    #expect(
      resources([["type": "Container", "max": ["cpu": "200m", "memory": "1Gi"]]])
        == ["requests": ["cpu": "10m", "memory": "16Mi"], "limits": ["cpu": "200m", "memory": "96Mi"]])
    #expect(
      resources([["type": "Pod", "max": ["cpu": "5m"]]])
        == ["requests": ["cpu": "5m", "memory": "16Mi"], "limits": ["cpu": "5m"]])
  }

  @Test("A default limit below our request would be put in place of none")
  func defaultLimit() {
    #expect(
      resources([["type": "Container", "default": ["cpu": "5m", "memory": "8Mi"]]])
        == ["requests": ["cpu": "10m", "memory": "16Mi"], "limits": ["cpu": "500m", "memory": "96Mi"]])
  }

  @Test("A ratio bounds the limit; where that is too little to work with, it raises the request")
  func ratio() {
    #expect(
      resources([["type": "Container", "maxLimitRequestRatio": ["cpu": "20", "memory": "5"]]])
        == ["requests": ["cpu": "10m", "memory": "16Mi"], "limits": ["cpu": "200m", "memory": "80Mi"]])
    #expect(
      resources([["type": "Container", "maxLimitRequestRatio": ["cpu": "4", "memory": "1"]]])
        == ["requests": ["cpu": "25m", "memory": "64Mi"], "limits": ["cpu": "100m", "memory": "64Mi"]])
  }

  @Test("All at once is met")
  func together() throws {
    let items: [JSONValue] = [
      [
        "type": "Container", "min": ["cpu": "50m"], "max": ["cpu": "80m"], "maxLimitRequestRatio": ["cpu": "1500m"],
        "default": ["cpu": "60m"],
      ]
    ]
    let object = resources(items)
    let request = try #require(object[path: "requests", "cpu"]?.stringValue.flatMap { Quantity($0) })
    let limit = try #require(object[path: "limits", "cpu"]?.stringValue.flatMap { Quantity($0) })
    #expect(request.milli >= 50 && limit.milli <= 80 && Double(limit.milli) / Double(request.milli) <= 1.5)
  }

  @Test("Storage is asked for only where a LimitRange names it")
  func storage() {
    let object = resources([["type": "Container", "min": ["ephemeral-storage": "4Mi"]]])
    #expect(object[path: "requests", "ephemeral-storage"] == "4Mi")
    #expect(object["limits"] == nil)
  }
}
