/// A port that a Service, an EndpointSlice or a container declares (Kubernetes API: `ServicePort`, `EndpointPort`,
/// `ContainerPort`).
extension JSONValue {
  /// `port`, or a container's `containerPort`; nil if it is none from 1 to 65535. The API server does not validate all
  /// of them (EndpointSlices).
  public var portNumber: UInt16? {
    (self["port"] ?? self["containerPort"])?.intValue.flatMap(UInt16.init(exactly:)).flatMap { $0 > 0 ? $0 : nil }
  }

  /// The name, by which a Service and its EndpointSlices agree; empty for an only port that has none.
  public var portName: String { text("name") }

  /// The transport: `TCP`, `UDP` or `SCTP`.
  public var transport: String { self["protocol"]?.stringValue ?? "TCP" }

  /// The port for messages: `8080 (http)`.
  public var portLabel: String { numberText + (entryName.map { " (\($0))" } ?? "") }

  /// Checks whether a user's word means this port: by its number, or by its name.
  public func isPort(_ word: String) -> Bool { !word.isEmpty && (portName == word || numberText == word) }

  private var numberText: String { portNumber.map(String.init) ?? "?" }
}
