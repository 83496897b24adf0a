import KubeObjects
import Testing

@testable import Intercept

struct ForeignEndpointsTests {
  private func slice(_ name: String, by keeper: String?, kind: String?, count: Int = 1) -> JSONValue {
    var endpoint: JSONValue = ["addresses": ["10.0.0.1"]]
    if let kind { endpoint["targetRef"] = ["kind": JSONValue(kind), "name": "x"] }
    var slice: JSONValue = ["endpoints": .array(Array(repeating: endpoint, count: count))]
    slice.name = name
    slice.labels["kubernetes.io/service-name"] = "web"
    slice.labels["endpointslice.kubernetes.io/managed-by"] = keeper
    return slice
  }

  @Test(
    "Kubernetes' own controller names itself; without a name, its endpoints are Pods",
    arguments: [
      ("endpointslice-controller.k8s.io", "Pod", false), ("endpointslice-controller.k8s.io", nil, false),
      ("mesh.example", "Pod", true), ("endpointslicemirroring-controller.k8s.io", nil, true), (nil, "Pod", false),
      (nil, nil, true), (nil, "Node", true),
    ] as [(String?, String?, Bool)])
  func foreign(keeper: String?, kind: String?, isForeign: Bool) {
    #expect(ForeignEndpoints.isForeign(slice("s", by: keeper, kind: kind)) == isForeign)
  }

  @Test("Those with endpoints are named, three at most")
  func names() {
    let own = slice("own", by: "endpointslice-controller.k8s.io", kind: "Pod")
    #expect(ForeignEndpoints([own, slice("empty", by: "mesh.example", kind: nil, count: 0)]).list == nil)
    #expect(
      ForeignEndpoints([own, slice("b", by: "mesh.example", kind: "Pod"), slice("a", by: nil, kind: nil)]).list
        == "EndpointSlice a, EndpointSlice b of mesh.example")
    let many = ["a", "b", "c", "d"].map { slice($0, by: nil, kind: nil) }
    #expect(ForeignEndpoints(many).list == "EndpointSlice a, EndpointSlice b, EndpointSlice c, …")
  }
}
