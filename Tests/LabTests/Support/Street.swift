import KubeObjects
import Testing

extension Lab {
  /// Creates the objects for tests of shells and proxies, beside the sample application: Pod `echo`, whose port 7 sends
  /// back TCP and UDP, behind Services with a ClusterIP and without; names with many addresses and with dead ones; a
  /// workload with every kind of variable and file; another namespace.
  func loadStreet() async throws -> NamespaceServer {
    try await create(yaml: Self.street)
    try await waitUntilReady(5)
    try await waitUntilReady(1, in: "office")
    let pod = try await client.get(.pods, "echo", namespace: "shop")
    let server = try await NamespaceServer(
      in: node.namespacePath(podUID: pod[path: "metadata", "uid"]?.stringValue ?? ""), port: 7)
    // A page behind an unused address.
    let web = try #require(
      try await client.list(.pods, namespace: "shop").items.first { $0.labels["app"] == "web" }?[
        path: "status", "podIP"]?.stringValue)
    try await create(yaml: Self.slice("half", port: 8080, [Self.nobody, web]))
    try await create(yaml: Self.slice("many", port: 80, (1...60).map { "10.97.240.\($0)" }))
    try await eventually("Service echo leads to its Pod") {
      let slices = try await self.client.list(.endpointSlices, namespace: "shop").items
      return slices.contains {
        $0.labels["kubernetes.io/service-name"] == "echo" && $0["endpoints"]?.elements.isEmpty == false
      }
    }
    return server
  }

  /// An address of the Pod network at which no Pod is.
  static let nobody = "10.97.241.9"

  func address(ofService name: String) async throws -> String {
    try #require(try await client.get(.services, name)[path: "spec", "clusterIP"]?.stringValue)
  }
  func address(ofPod name: String) async throws -> String {
    try #require(try await client.get(.pods, name)[path: "status", "podIP"]?.stringValue)
  }

  private static func slice(_ service: String, port: Int, _ addresses: [String]) -> String {
    """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: \(service)-1, namespace: shop, labels: {kubernetes.io/service-name: \(service)}}
    addressType: IPv4
    ports: [{name: http, port: \(port), protocol: TCP}]
    endpoints:
    \(addresses.map { "  - {addresses: [\"\($0)\"], conditions: {ready: true}}" }.joined(separator: "\n"))
    """
  }

  private static let street = """
    apiVersion: v1
    kind: Pod
    metadata: {name: echo, namespace: shop, labels: {app: echo}}
    spec:
      hostname: first
      subdomain: peers
      terminationGracePeriodSeconds: 0
      containers: [{name: echo, image: lab/busybox:1, command: [sleep, infinity]}]
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: echo, namespace: shop}
    spec:
      selector: {app: echo}
      ports: [{name: tcp-echo, port: 7, protocol: TCP}, {name: udp-echo, port: 7, protocol: UDP}]
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: peers, namespace: shop}
    spec: {clusterIP: None, selector: {app: echo}, ports: [{name: echo, port: 7}]}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: many, namespace: shop}
    spec: {clusterIP: None, ports: [{name: http, port: 80}]}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: half, namespace: shop}
    spec: {clusterIP: None, ports: [{name: http, port: 8080}]}
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: settings, namespace: shop}
    data: {COLOUR: green, app.conf: "level = 3\\n"}
    ---
    apiVersion: v1
    kind: Secret
    metadata: {name: password, namespace: shop}
    stringData: {word: sesame}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: full, namespace: shop}
    spec:
      replicas: 1
      selector: {matchLabels: {app: full}}
      template:
        metadata: {labels: {app: full, tier: back}}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
            - name: full
              image: lab/busybox:1
              command: [sleep, infinity]
              envFrom: [{configMapRef: {name: settings}, prefix: SET_}]
              env:
                - {name: HOME, value: /the/pods/own}
                - {name: WORD, valueFrom: {secretKeyRef: {name: password, key: word}}}
                - {name: TWICE, value: "$(WORD) $(WORD) $(NOBODY)"}
                - {name: PLACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
              volumeMounts:
                - {name: settings, mountPath: /lab/settings}
                - {name: password, mountPath: /lab/password, readOnly: true}
                - {name: about, mountPath: /lab/about}
          volumes:
            - {name: settings, configMap: {name: settings, items: [{key: app.conf, path: app.conf}]}}
            - {name: password, secret: {secretName: password}}
            - {name: about, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: office}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: office}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
            - name: web
              image: lab/busybox:1
              command: [sh, -c, "echo 'hello from the office' > /www/index.html && exec httpd -f -p 8080 -h /www"]
              ports: [{name: http, containerPort: 8080}]
              readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: office}
    spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
    """
}
