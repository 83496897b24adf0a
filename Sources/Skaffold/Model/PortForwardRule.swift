/// `portForward[]`: a port of the host that connects into the cluster.
public struct PortForwardRule: Sendable, Hashable {
  /// `Service`, `Pod`, `Deployment`, …; compared without regard to case.
  public var resourceType: String
  public var resourceName: String
  public var namespace: String?
  /// A number or a name.
  public var port: String
  /// nil: the same number, or the next free one.
  public var localPort: UInt16?
  /// nil: 127.0.0.1.
  public var address: String?

  public init(
    resourceType: String, resourceName: String, namespace: String? = nil, port: String, localPort: UInt16? = nil,
    address: String? = nil
  ) {
    self.resourceType = resourceType
    self.resourceName = resourceName
    self.namespace = namespace
    self.port = port
    self.localPort = localPort
    self.address = address
  }
}
