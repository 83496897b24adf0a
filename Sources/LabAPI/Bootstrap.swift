import KubeObjects
import LabStore

/// The objects that every cluster has from its first moment on.
struct Bootstrap: Sendable {
  let store: any ObjectStoring
  let addresses: ServiceAddresses
  let configuration: LabConfiguration

  func run(port: Int) async throws {
    for service in await store.list(.services, namespace: nil).items {
      _ = await addresses.take(service[path: "spec", "clusterIP"]?.stringValue ?? "")
    }
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
      let namespace: JSONValue = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
      try await make(.namespace, namespace)
    }
    if let kind = KindTable.kind(Authorizer.clusterRoles) {
      for role in StockRoles.all { try await make(kind, role) }
    }
    let ports: JSONValue = [["name": "https", "port": 443, "targetPort": JSONValue(port)]]
    try await make(
      .service,
      service(
        "kubernetes", in: "default", labels: ["component": "apiserver", "provider": "kubernetes"], ports,
        addresses.first.description))
    try await make(.endpointSlice, apiServerEndpoints(port: port))
    if let dns = configuration.dnsAddress, await addresses.take(dns) {
      let ports: JSONValue = [["name": "dns", "port": 53, "protocol": "UDP"], ["name": "dns-tcp", "port": 53]]
      try await make(
        .service,
        service(
          "kube-dns", in: "kube-system", labels: ["k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"], ports, dns))
    }
  }

  private func make(_ kind: ResourceKind, _ object: JSONValue) async throws {
    var object = object
    Defaults.apply(to: &object, kind)
    do { _ = try await store.create(kind.resource, object) } catch StoreError.alreadyExists {
      // A store that was there before: what it holds is kept.
    }
  }

  private func service(
    _ name: String, in namespace: String, labels: [String: String], _ ports: JSONValue, _ address: String
  ) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Service",
      "metadata": ["name": .string(name), "namespace": .string(namespace), "labels": JSONValue(labels)],
      "spec": ["ports": ports, "clusterIP": .string(address), "clusterIPs": [.string(address)]],
    ]
  }

  /// The Service `kubernetes` has no selector: its endpoint is this server.
  private func apiServerEndpoints(port: Int) -> JSONValue {
    [
      "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
      "metadata": [
        "name": "kubernetes", "namespace": "default", "labels": ["kubernetes.io/service-name": "kubernetes"],
      ], "addressType": "IPv4",
      "endpoints": [
        [
          "addresses": [.string(configuration.address)],
          "conditions": ["ready": true, "serving": true, "terminating": false],
        ]
      ],
      "ports": [["name": "https", "port": JSONValue(port), "protocol": "TCP"]],
    ]
  }
}
