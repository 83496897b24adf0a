/// An endpoint of an EndpointSlice (Kubernetes API, `discovery.k8s.io/v1`).
public struct SliceEndpoint: Sendable, Hashable {
  public let addresses: [String]
  /// The kind of the object behind it, mostly `Pod`; nil if none is named.
  public let targetKind: String?
  /// The name of the object behind it.
  public let targetName: String?
  /// True if it takes new connections; an endpoint that does not say is ready.
  public let isReady: Bool
  /// True if its Pod is being deleted.
  public let isTerminating: Bool

  init(_ json: JSONValue) {
    addresses = (json["addresses"]?.elements ?? []).compactMap(\.stringValue)
    targetKind = json[path: "targetRef", "kind"]?.stringValue
    targetName = json[path: "targetRef", "name"]?.stringValue
    isReady = json[path: "conditions", "ready"]?.boolValue != false
    isTerminating = json[path: "conditions", "terminating"]?.boolValue == true
  }
}

extension JSONValue {
  /// The endpoints of an EndpointSlice.
  public var endpoints: [SliceEndpoint] { (self["endpoints"]?.elements ?? []).map(SliceEndpoint.init) }
}
