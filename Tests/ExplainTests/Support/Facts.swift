import ControlAPI
import Explain
import KubeObjects

/// Facts of a namespace in which all is well: Service web, two Pods of Deployment web, and nobody who intercepts.
enum Facts {
  static var well: WayFacts {
    var facts = WayFacts(namespace: "shop", name: "web")
    facts.service = service()
    facts.pods = [pod("web-a"), pod("web-b")]
    facts.workloads = [deployment()]
    facts.slices = [slice(["web-a", "web-b"])]
    facts.inside = .skipped("no agent of yours stands in namespace shop")
    return facts
  }

  /// The same, intercepted from here, and a session that answers.
  static var intercepted: WayFacts {
    var facts = well
    facts.service = service(selector: ["app": "web", "devtunnel.dev/agent": "web"])
    facts.pods?.append(pod("devtunnel-web-x", labels: ["app": "web", "devtunnel.dev/agent": "web"]))
    facts.slices = [slice(["devtunnel-web-x"])]
    facts.own = intercept()
    facts.holders = [WayHolder(name: "alice@laptop", isOwn: true, leaseAge: 3)]
    facts.takers = []
    facts.session = WaySession(
      state: "connected", pod: "devtunnel-web-x", carrier: "v4.channel.k8s.io", answered: 4, problem: nil)
    facts.inside = .tried(pod: "devtunnel-web-x", address: "10.0.0.7:80", .connected, milliseconds: 3)
    facts.podAnswer = .connected
    return facts
  }

  static func service(selector: [String: String] = ["app": "web"], target: JSONValue = "http") -> JSONValue {
    [
      "metadata": ["name": "web", "namespace": "shop"],
      "spec": [
        "type": "ClusterIP", "clusterIP": "10.0.0.7", "selector": JSONValue(selector),
        "ports": [["name": "http", "port": 80, "targetPort": target]],
      ],
    ]
  }

  /// - Parameter state: the container's `state`; nil for a ready Pod.
  static func pod(_ name: String, labels: [String: String] = ["app": "web"], state: JSONValue? = nil) -> JSONValue {
    [
      "metadata": ["name": JSONValue(name), "uid": JSONValue("uid-\(name)"), "labels": JSONValue(labels)],
      "spec": ["containers": [["name": "web", "ports": [["name": "http", "containerPort": 8080]]]]],
      "status": [
        "phase": "Running", "podIP": "10.1.0.1",
        "conditions": [["type": "Ready", "status": state == nil ? "True" : "False"]],
        "containerStatuses": [
          ["name": "web", "ready": .bool(state == nil), "restartCount": 3, "state": state ?? ["running": [:]]]
        ],
      ],
    ]
  }

  static func deployment(replicas: Int = 2) -> JSONValue {
    [
      "kind": "Deployment", "metadata": ["name": "web", "uid": "uid-deployment"],
      "spec": [
        "replicas": JSONValue(replicas), "template": ["metadata": ["labels": ["app": "web"]]],
      ],
    ]
  }

  static func slice(_ pods: [String], ready: Bool = true, port: JSONValue? = ["name": "http", "port": 8080])
    -> JSONValue
  {
    [
      "metadata": [
        "name": "web-1", "labels": ["endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"],
      ],
      "ports": .array(port.map { [$0] } ?? []),
      "endpoints": .array(
        pods.map { pod in
          [
            "addresses": ["10.1.0.1"], "conditions": ["ready": .bool(ready)],
            "targetRef": ["kind": "Pod", "name": JSONValue(pod)],
          ]
        }),
    ]
  }

  static func intercept(_ state: InterceptReport.State = .active, rules: [String]? = nil) -> InterceptReport {
    var report = InterceptReport(
      context: "dev", cluster: .unknown, namespace: "shop", service: "web", workload: "Deployment/web", state: state,
      ports: [InterceptReport.Port(service: 80, name: "http", target: 8080, host: "127.0.0.1:8080")],
      holder: "alice@laptop", since: "2026-12-01T10:00:00Z")
    report.rules = rules.flatMap { RequestRules(texts: $0) }
    return report
  }

  static func warning(about name: String, _ reason: String, _ message: String) -> JSONValue {
    [
      "type": "Warning", "reason": JSONValue(reason), "message": JSONValue(message),
      "lastTimestamp": "2026-12-01T10:00:00Z", "involvedObject": ["uid": JSONValue("uid-\(name)")],
    ]
  }
}
