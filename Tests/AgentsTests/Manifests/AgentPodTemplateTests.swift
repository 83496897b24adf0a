import ControlAPI
import HTTPTestSupport
import KubeObjects
import Testing

@testable import Agents

struct AgentPodTemplateTests {
  private func template(listen: [UInt16] = [8080], container: String = "user") -> AgentPodTemplate {
    AgentPodTemplate(
      workload: "user", containerName: container, listen: listen, controlPort: 17_717, architecture: .amd64)
  }

  private func pod(_ template: AgentPodTemplate, _ from: JSONValue = UserWorkload.template) -> JSONValue {
    template.make(from: from)
  }
  private func container(_ pod: JSONValue) -> JSONValue { pod[path: "spec", "containers"]?[0] ?? [:] }

  @Test("The agent alone, in the container's place")
  func container() {
    let pod = pod(template())
    #expect(pod[path: "spec", "containers"]?.elements.count == 1)
    #expect(pod[path: "spec", "initContainers"] == nil)
    let agent = container(pod)
    #expect(agent["name"] == "devtunnel-agent")
    #expect(agent["image"] == "registry.example/user:1.4")
    #expect(agent["imagePullPolicy"] == "IfNotPresent")
    #expect(agent["securityContext"] == ["allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]]])
    #expect(agent["envFrom"] == [["configMapRef": ["name": "user"]]])
    for key in ["args", "livenessProbe", "startupProbe", "lifecycle", "workingDir"] {
      #expect(agent[key] == nil, "\(key)")
    }
    #expect(pod[path: "spec", "serviceAccountName"] == "user")
    #expect(pod[path: "spec", "securityContext"] == ["runAsNonRoot": true, "runAsUser": 1000])
    #expect(pod[path: "spec", "dnsPolicy"] == "ClusterFirst")
    #expect(pod[path: "spec", "terminationGracePeriodSeconds"] == 30)
  }

  @Test("The agent's arguments")
  func command() {
    var template = template(listen: [8080, 9090])
    #expect(
      container(pod(template))["command"]
        == ["/devtunnel/agent", "serve", "--control", "17717", "--readiness", "17801", "--listen", "8080,9090"])
    template.gates = [8080: 4180, 9090: 4181]
    #expect(container(pod(template))["command"]?.elements.suffix(2) == ["--gates", "8080,4180,9090,4181"])
    template.gates = [:]
    template.originName = "o.ns.svc.cluster.local"
    template.agentsName = "a.ns.svc.cluster.local"
    template.neverReady = true
    #expect(
      container(pod(template))["command"]?.elements.suffix(5).map { $0 }
        == ["--origin", "o.ns.svc.cluster.local", "--agents", "a.ns.svc.cluster.local", "--never-ready"])
    // A condition that nothing sets costs the node less than a probe that always fails.
    #expect(container(pod(template))["readinessProbe"] == nil)
    #expect(
      pod(template)[path: "spec", "readinessGates"]?.elements.last == ["conditionType": "devtunnel.dev/never"])
  }

  @Test(
    "It is probed over the network where the workload is",
    arguments: [
      (["readinessProbe": ["httpGet": ["port": 8080]]], true), (["livenessProbe": ["tcpSocket": ["port": 8080]]], true),
      (["startupProbe": ["grpc": ["port": 8080]]], true), (["readinessProbe": ["exec": ["command": ["true"]]]], false),
      ([:], false),
    ] as [(JSONValue, Bool)])
  func probe(probes: JSONValue, isOverNetwork: Bool) {
    let template = template(listen: [8080, 17_801])
    var container = probes
    container["name"] = "user"
    container["ports"] = [["containerPort": 17_802]]
    let made = self.container(template.make(from: ["spec": ["containers": [container]]]))
    let probe = made["readinessProbe"]
    #expect(
      probe?[path: "exec", "command"]
        == (isOverNetwork ? nil : ["/devtunnel/agent", "ready", "--control", "17717"]))
    #expect(probe?[path: "httpGet", "port"]?.intValue == (isOverNetwork ? 17_803 : nil))
    let command = made["command"]?.elements.compactMap(\.stringValue) ?? []
    #expect(command.contains("--readiness") == isOverNetwork && command.contains("17803") == isOverNetwork)
  }

  @Test(
    "A mount that is not where it seems, or over the agent's own folder, is left out",
    arguments: ["/../devtunnel", "/devtunnel/agent", "/devtunnel/", "devtunnel", "//devtunnel/x", "/x/../../tmp", "/"])
  func mounts(path: String) {
    let from: JSONValue = [
      "spec": [
        "containers": [
          [
            "name": "user",
            "volumeMounts": [["name": "v", "mountPath": JSONValue(path)], ["name": "v", "mountPath": "/devtunnel2"]],
          ]
        ], "volumes": [["name": "v", "configMap": ["name": "c"]]],
      ]
    ]
    let mounts = container(pod(template(), from))["volumeMounts"]?.elements ?? []
    #expect(mounts.compactMap { $0["mountPath"]?.stringValue } == ["/devtunnel2", "/devtunnel"])
    #expect(mounts.compactMap { $0["name"]?.stringValue } == ["v", "devtunnel-agent"])
  }

  @Test("Named ports of all containers stay; no port of the node is taken")
  func ports() {
    #expect(
      container(pod(template()))["ports"] == [
        ["name": "grpc", "containerPort": 8080], ["name": "metrics", "containerPort": 9100],
      ])
    #expect(container(pod(template(), ["spec": ["containers": [["name": "user"]]]]))["ports"] == nil)
  }

  @Test("A name that two containers use is declared once")
  func portNames() {
    let from: JSONValue = [
      "spec": [
        "containers": [
          ["name": "user", "ports": [["name": "http", "containerPort": 1]]],
          ["name": "b", "ports": [["name": "http", "containerPort": 2]]],
        ]
      ]
    ]
    #expect(container(pod(template(), from))["ports"] == [["name": "http", "containerPort": 1]])
  }

  @Test("The workload's variables, then the token from the agent's Secret")
  func environment() {
    #expect(
      container(pod(template()))["env"] == [
        ["name": "DB_HOST", "value": "db"],
        ["name": "DEVTUNNEL_TOKEN", "valueFrom": ["secretKeyRef": ["name": "devtunnel-user", "key": "token"]]],
      ])
  }

  @Test("Volumes that the container mounts, and the program")
  func volumes() {
    let pod = pod(template())
    #expect(pod[path: "spec", "volumes"]?.elements.compactMap(\.entryName) == ["config", "devtunnel-agent"])
    #expect(
      pod[path: "spec", "volumes"]?[1]?["configMap"]
        == ["name": "devtunnel-user", "defaultMode": 0o555, "items": [["key": "agent-amd64", "path": "agent"]]])
    #expect(
      container(pod)["volumeMounts"]?.elements.compactMap { $0["mountPath"]?.stringValue } == [
        "/etc/user", "/devtunnel",
      ])
  }

  @Test("A claim that only one Pod may mount goes with its mount")
  func droppedVolumes() {
    var template = template()
    template.droppedVolumes = ["config"]
    let pod = pod(template)
    #expect(pod[path: "spec", "volumes"]?.elements.compactMap(\.entryName) == ["devtunnel-agent"])
    #expect(container(pod)["volumeMounts"]?.elements.compactMap(\.entryName) == ["devtunnel-agent"])
  }

  @Test("Mounts and devices of a volume that is not here go, too; a claim made for each Pod is an empty folder")
  func absentVolumes() {
    var template = template()
    template.droppedVolumes = ["disk"]
    let from: JSONValue = [
      "spec": [
        "containers": [
          [
            "name": "user",
            "volumeMounts": [["name": "data", "mountPath": "/data"], ["name": "scratch", "mountPath": "/scratch"]],
            "volumeDevices": [["name": "disk", "devicePath": "/dev/xvda"]],
          ]
        ],
        "volumes": [
          ["name": "disk", "persistentVolumeClaim": ["claimName": "disk"]],
          ["name": "scratch", "ephemeral": ["volumeClaimTemplate": ["spec": [:]]]],
        ],
      ]
    ]
    let pod = pod(template, from)
    #expect(container(pod)["volumeMounts"]?.elements.compactMap(\.entryName) == ["scratch", "devtunnel-agent"])
    #expect(container(pod)["volumeDevices"] == nil)
    #expect(pod[path: "spec", "volumes"]?[0] == ["name": "scratch", "emptyDir": [:]])
  }

  @Test("References to a container's resources have their value, or name the agent's container")
  func resourceReferences() {
    let reference: JSONValue = ["containerName": "user", "resource": "limits.memory", "divisor": "1Mi"]
    var from: JSONValue = [
      "spec": [
        "containers": [
          [
            "name": "user",
            "env": [
              ["name": "MEMORY", "valueFrom": ["resourceFieldRef": reference]],
              ["name": "FILE", "valueFrom": ["fileKeyRef": ["volumeName": "v", "path": "p", "key": "k"]]],
            ],
            "resources": ["limits": ["memory": "64Mi"]], "volumeMounts": [["name": "info", "mountPath": "/info"]],
          ]
        ],
        "volumes": [
          ["name": "info", "downwardAPI": ["items": [["path": "memory", "resourceFieldRef": reference]]]]
        ],
      ]
    ]
    #expect(container(pod(template(), from))["env"]?[0] == ["name": "MEMORY", "value": "64"])
    #expect(container(pod(template(), from))["env"]?.elements.count == 2)
    let items = pod(template(), from)[path: "spec", "volumes"]?[0]?[path: "downwardAPI", "items"]
    #expect(items?[0]?[path: "resourceFieldRef", "containerName"] == "devtunnel-agent")
    // The node's capacity decides then.
    from[path: "spec", "containers"] = [
      ["name": "user", "env": [["name": "MEMORY", "valueFrom": ["resourceFieldRef": reference]]]]
    ]
    #expect(
      container(pod(template(), from))["env"]?[0]?[path: "valueFrom", "resourceFieldRef", "containerName"]
        == "devtunnel-agent")
  }

  @Test("The other containers may stay, with what they need and no port of the node")
  func keptContainers() {
    var template = template()
    template.keepsContainers = true
    var from = UserWorkload.template
    from[path: "spec", "containers"] = .array(
      from.ordinaryContainers.map { container in
        guard container.entryName == "metrics" else { return container }
        var container = container
        container["ports"] = [["name": "metrics", "containerPort": 9100, "hostPort": 9100]]
        container["volumeMounts"] = [["name": "scratch", "mountPath": "/tmp"], ["name": "nope", "mountPath": "/x"]]
        container["env"] = [
          ["name": "M", "valueFrom": ["resourceFieldRef": ["containerName": "user", "resource": "limits.cpu"]]]
        ]
        return container
      })
    let pod = pod(template, from)
    #expect(pod.ordinaryContainers.compactMap(\.entryName) == ["devtunnel-agent", "metrics"])
    #expect(pod[path: "spec", "initContainers"]?.elements.compactMap(\.entryName) == ["migrate"])
    #expect(pod[path: "spec", "volumes"]?.elements.compactMap(\.entryName) == ["config", "scratch", "devtunnel-agent"])
    #expect(container(pod)["ports"] == [["name": "grpc", "containerPort": 8080]])
    let metrics = pod.ordinaryContainers[1]
    #expect(metrics["ports"] == [["name": "metrics", "containerPort": 9100]])
    #expect(metrics["volumeMounts"] == [["name": "scratch", "mountPath": "/tmp"]])
    #expect(
      metrics["env"]?[0]?[path: "valueFrom", "resourceFieldRef", "containerName"] == "devtunnel-agent")
  }

  @Test("A lost node's agent is replaced after 5 s, whatever the workload tolerates")
  func tolerations() {
    var from = UserWorkload.template
    from[path: "spec", "tolerations"] = [
      ["key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"],
      ["key": "team", "operator": "Exists"],
    ]
    let tolerations = pod(template(), from)[path: "spec", "tolerations"]?.elements ?? []
    #expect(tolerations.first == ["key": "team", "operator": "Exists"])
    let ours = tolerations.dropFirst()
    #expect(
      ours.compactMap { $0["key"]?.stringValue } == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
    #expect(ours.allSatisfy { $0["tolerationSeconds"] == 5 })
  }

  @Test("The origin's nodes are preferred; required anti-affinity and spread go, the rest stays")
  func affinity() {
    var from = UserWorkload.template
    let zones: JSONValue = ["matchExpressions": [["key": "zone", "operator": "In", "values": ["a"]]]]
    from[path: "spec", "topologySpreadConstraints"] = [["maxSkew": 1]]
    from[path: "spec", "affinity"] = [
      "podAntiAffinity": [
        "requiredDuringSchedulingIgnoredDuringExecution": [["topologyKey": "kubernetes.io/hostname"]]
      ],
      "nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": [zones]]],
    ]
    var template = template()
    template.preferredNodes = ["node-1"]
    let spec = pod(template, from)["spec"] ?? [:]
    #expect(spec["topologySpreadConstraints"] == nil)
    #expect(spec[path: "affinity", "podAntiAffinity"] == nil)
    let node = spec[path: "affinity", "nodeAffinity"]
    #expect(
      node?["preferredDuringSchedulingIgnoredDuringExecution"]
        == [
          [
            "weight": 100,
            "preference": ["matchFields": [["key": "metadata.name", "operator": "In", "values": ["node-1"]]]],
          ]
        ])
    let term = node?[path: "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]?[0]
    #expect(
      term?["matchExpressions"]?.elements.compactMap { $0["key"]?.stringValue } == ["zone", "kubernetes.io/arch"])
    #expect(term?["matchFields"] == nil)
  }

  @Test("A ReadWriteOnce claim ties the Pod to its node")
  func requiredNode() {
    var template = template()
    template.requiredNode = "node-2"
    let term = pod(template)[
      path: "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]?[
        0]
    #expect(term?["matchFields"] == [["key": "metadata.name", "operator": "In", "values": ["node-2"]]])
  }

  @Test("UDP ports are passed on if there are any")
  func datagrams() {
    func command(_ ports: [UInt16]) -> [String] {
      var template = template()
      template.datagrams = ports
      return (pod(template)[path: "spec", "containers"]?[0]?["command"]?.elements ?? []).compactMap(\.stringValue)
    }
    #expect(!command([]).contains("--datagrams"))
    let words = command([53, 7000])
    #expect(words.firstIndex(of: "--datagrams").map { words[$0 + 1] } == "53,7000")
  }

  @Test("Only ports below 1024 need the sysctl")
  func sysctl() {
    #expect(pod(template())[path: "spec", "securityContext", "sysctls"] == nil)
    #expect(
      pod(template(listen: [80, 8080]))[path: "spec", "securityContext"]
        == [
          "runAsNonRoot": true, "runAsUser": 1000,
          "sysctls": [["name": "net.ipv4.ip_unprivileged_port_start", "value": "0"]],
        ])
    var udp = template()
    udp.datagrams = [53]
    #expect(pod(udp)[path: "spec", "securityContext", "sysctls"] != nil)
    var from = UserWorkload.template
    from[path: "spec", "securityContext", "sysctls"] = [
      ["name": "net.ipv4.ip_unprivileged_port_start", "value": "500"]
    ]
    #expect(
      pod(template(listen: [80]), from)[path: "spec", "securityContext", "sysctls"]
        == [["name": "net.ipv4.ip_unprivileged_port_start", "value": "0"]])
  }

  @Test("The workload's labels and one more; no trace of its restarts; its metrics are not read twice")
  func metadata() {
    let pod = pod(template())
    #expect(pod.labels == ["app": "user", "app.kubernetes.io/instance": "testbed", "devtunnel.dev/agent": "user"])
    #expect(
      pod.annotations == [
        "prometheus.io/scrape": "false", "kubectl.kubernetes.io/default-container": "devtunnel-agent",
      ])
  }

  @Test("Small requests always, limits where a quota demands them")
  func resources() {
    var template = template()
    #expect(container(pod(template))["resources"] == ["requests": ["cpu": "10m", "memory": "16Mi"]])
    template.needsLimits = true
    #expect(container(pod(template))[path: "resources", "limits"] == ["cpu": "500m", "memory": "96Mi"])
  }

  @Test("Another image, where one is asked for")
  func image() {
    var template = template()
    template.image = "registry.example/any:1"
    #expect(container(pod(template))["image"] == "registry.example/any:1")
  }

  @Test("A name below a headless Service")
  func dnsName() {
    var template = template()
    #expect(pod(template)[path: "spec", "hostname"] == nil)
    template.hostname = "user-0"
    template.subdomain = "users"
    #expect(pod(template)[path: "spec", "hostname"] == "user-0")
    #expect(pod(template)[path: "spec", "subdomain"] == "users")
  }

  // MARK: Which container

  @Test("A remark on the container, if the Pods run several")
  func remark() {
    #expect(AgentPodTemplate.remark(on: "user", of: UserWorkload.template).first?.contains("metrics") == true)
    #expect(AgentPodTemplate.remark(on: "only", of: ["spec": ["containers": [["name": "only"]]]]).isEmpty)
  }

  @Test("The container that declares the port, unless one is named")
  func choice() throws {
    #expect(try AgentPodTemplate.container(of: UserWorkload.template, declaring: [8080], named: nil) == "user")
    #expect(try AgentPodTemplate.container(of: UserWorkload.template, declaring: [9100], named: nil) == "metrics")
    #expect(try AgentPodTemplate.container(of: UserWorkload.template, declaring: [8080], named: "metrics") == "metrics")
    #expect(
      try AgentPodTemplate.container(of: ["spec": ["containers": [["name": "only"]]]], declaring: [1], named: nil)
        == "only")
  }

  /// Runs `app` and `gate`, beside sidecar `stats`; `setup` ends before them.
  private func several(defaultContainer: String? = nil) -> JSONValue {
    var template: JSONValue = [
      "spec": [
        "initContainers": [
          ["name": "setup", "ports": [["containerPort": 1]]],
          ["name": "stats", "restartPolicy": "Always", "ports": [["name": "stats", "containerPort": 9102]]],
        ],
        "containers": [
          ["name": "app", "ports": [["containerPort": 8080]]], ["name": "gate", "ports": [["containerPort": 4180]]],
        ],
      ]
    ]
    if let defaultContainer { template.annotations = ["kubectl.kubernetes.io/default-container": defaultContainer] }
    return template
  }

  @Test(
    "A sidecar owns a port that it alone declares; an init container that ends owns none",
    arguments: [
      ([8080], nil, "app"), ([9102], nil, "stats"), ([8080, 9102], nil, "app"), ([8080, 4180], "gate", "gate"),
      ([1], "app", "app"), ([8080], "gate", "app"), ([1], "setup", nil), ([1], nil, nil),
    ] as [([Int], String?, String?)])
  func sidecars(ports: [Int], defaultContainer: String?, owner: String?) {
    let template = several(defaultContainer: defaultContainer)
    #expect((try? AgentPodTemplate.container(of: template, declaring: ports, named: nil)) == owner)
  }

  @Test("A sidecar can be named, and replaced; its port stays where it is not")
  func namedSidecar() throws {
    #expect(try AgentPodTemplate.container(of: several(), declaring: [1], named: "stats") == "stats")
    #expect(throws: ControlError.self) {
      try AgentPodTemplate.container(of: several(), declaring: [1], named: "setup")
    }
    var from = several()
    from[path: "spec", "initContainers"] = [
      ["name": "stats", "restartPolicy": "Always", "image": "registry.example/stats:1"]
    ]
    #expect(container(pod(template(container: "stats"), from))["image"] == "registry.example/stats:1")
    #expect(
      container(pod(template(container: "app"), several()))["ports"] == [["name": "stats", "containerPort": 9102]])
  }

  @Test("No guess where several could be meant, or none")
  func noChoice() {
    for ports in [[8080, 9100], [1]] {
      #expect(throws: ControlError.self) {
        try AgentPodTemplate.container(of: UserWorkload.template, declaring: ports, named: nil)
      }
    }
    #expect(throws: ControlError.self) {
      try AgentPodTemplate.container(of: UserWorkload.template, declaring: [8080], named: "nope")
    }
  }
}
