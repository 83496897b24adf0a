/// The containers of a Pod, or of a Pod template (Kubernetes API, PodSpec).
extension JSONValue {
  /// The containers that run beside each other, in the order in which Kubernetes looks for a named port: the ordinary
  /// ones, then the sidecars. An init container that ends before them is none.
  public var runningContainers: [JSONValue] { ordinaryContainers + sidecars }

  /// `spec.containers`.
  public var ordinaryContainers: [JSONValue] { self[path: "spec", "containers"]?.elements ?? [] }

  /// Init containers with `restartPolicy: Always`, which go on running beside the ordinary ones.
  public var sidecars: [JSONValue] {
    initContainers.filter { $0["restartPolicy"]?.stringValue == "Always" }
  }

  /// The ports that the running containers declare.
  public var declaredPorts: [JSONValue] { runningContainers.flatMap { $0["ports"]?.elements ?? [] } }

  /// The numbers of the declared TCP ports.
  public var declaredNumbers: Set<UInt16> {
    Set(declaredPorts.filter { $0.transport == "TCP" }.compactMap(\.portNumber))
  }

  /// Returns the number of a declared port, as Kubernetes resolves a Service's named target port: the first of that
  /// name and transport.
  public func declaredPort(named name: String, transport: String = "TCP") -> UInt16? {
    declaredPorts.first { $0.entryName == name && $0.transport == transport }?.portNumber
  }

  /// `spec.initContainers`, sidecars among them.
  public var initContainers: [JSONValue] { self[path: "spec", "initContainers"]?.elements ?? [] }

  /// `status.phase` of a Pod.
  public var phase: String? { self[path: "status", "phase"]?.stringValue }

  /// The node that a Pod runs on, or is to run on.
  public var nodeName: String? { self[path: "spec", "nodeName"]?.stringValue }
}
